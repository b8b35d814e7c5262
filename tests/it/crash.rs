//! Bad moments: the program killed at any instant and at every step that changes a file, a disk that
//! is full from any step on, a file system that cannot be written, two runs at once.
//!
//! The program under test is the one that ships. `tests/crash/faults.c` is put between it and the
//! file system with LD_PRELOAD, so nothing of this is in the program. How many steps and instants are
//! tried: `CHARTLEDGER_KILLS` (all steps from 200 on), with the seed `CHARTLEDGER_SEED`;
//! `tests/crash/run KILLS SEED` sets both.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use tempfile::TempDir;

use crate::cli::{APRIL, MARCH};
use crate::support::{Desk, Ran, merged_daily, program};

const ALL_FROM: usize = 200;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

fn kills() -> usize {
    setting("CHARTLEDGER_KILLS", 24) as usize
}

fn random() -> Pcg64 {
    let seed = setting("CHARTLEDGER_SEED", 1);
    eprintln!("CHARTLEDGER_KILLS={} CHARTLEDGER_SEED={seed}", kills());
    Pcg64::seed_from_u64(seed)
}

/// The library of faults; `None`, with a message, where there is no C compiler.
fn faults() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let shim = SHIM.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = folder.path().join("faults.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/faults.c");
        let built =
            Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).output();
        match built {
            Ok(built) if built.status.success() => Some((folder, library)),
            Ok(built) => panic!("{}", String::from_utf8_lossy(&built.stderr)),
            Err(error) => {
                eprintln!("skipped: no C compiler to build tests/crash/faults.c: {error}");
                None
            }
        }
    });
    shim.as_ref().map(|(_, library)| library.as_path())
}

/// What is done when the fault comes.
#[derive(Clone, Copy)]
enum Scene {
    /// The first run of all.
    First,
    /// A run with a new month, a correction and a changed file.
    Night,
    /// An export is taken out.
    Forget,
}

impl Scene {
    fn command(self) -> &'static str {
        match self {
            Self::First | Self::Night => "run t.toml --quiet --threads 1",
            Self::Forget => "ledger forget april.csv t.toml --quiet --threads 1",
        }
    }

    /// The desk as it is before.
    fn desk(self) -> Desk {
        let desk = Desk::with([("march.csv", merged_daily(MARCH)), ("april.csv", merged_daily(APRIL))]);
        if matches!(self, Self::First) {
            return desk;
        }
        desk.run("--quiet");
        let corrected = MARCH.replace("1200", "1300");
        desk.put("exports/march-corrected.csv", merged_daily(&corrected));
        desk.date("exports/march-corrected.csv", 60);
        desk.put("exports/may.csv", merged_daily(&APRIL.replace("2024-04", "2024-05")));
        desk.put("exports/april.csv", merged_daily(&APRIL.replace("500", "600")));
        desk.date("exports/april.csv", 120);
        if matches!(self, Self::Forget) {
            desk.run("--quiet");
        }
        desk
    }
}

/// A scene, and what comes of it without any fault.
struct Stage {
    scene: Scene,
    /// Always the same folder: the ledger knows exports by their path.
    desk: Desk,
    before: TempDir,
    published_before: BTreeMap<String, Vec<u8>>,
    undisturbed: BTreeMap<String, Vec<u8>>,
    steps: Vec<String>,
}

/// The files of the latest run but its manifest; nothing before the first.
fn published(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    if desk.path("out/t/latest").exists() { desk.published() } else { BTreeMap::new() }
}

/// Copies what is in a folder, file times and links included.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(copied.expect("cp").success());
}

fn faulty(desk: &Desk, args: &str, shim: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = program(&desk.path(""));
    command.args(args.split_whitespace()).env("LD_PRELOAD", shim).envs(settings.iter().copied());
    command
}

impl Stage {
    fn set(scene: Scene, shim: &Path) -> Self {
        let (desk, before) = (scene.desk(), tempfile::tempdir().expect("a temporary folder"));
        copy(&desk.path(""), before.path());
        let published_before = published(&desk);
        let steps = tempfile::tempdir().expect("a temporary folder");
        let log = steps.path().join("steps");
        let settings = [("FAULTS_LOG", log.to_str().expect("UTF-8"))];
        Ran::of(&mut faulty(&desk, scene.command(), shim, &settings)).succeeds();
        let steps = fs::read_to_string(log).expect("steps").lines().map(str::to_owned).collect();
        desk.run("--quiet");
        let undisturbed = published(&desk);
        Self { scene, desk, before, published_before, undisturbed, steps }
    }

    /// The desk as it was before.
    fn reset(&self) -> &Desk {
        for name in ["exports", "ledger", "out"] {
            let path = self.desk.path(name);
            match path.symlink_metadata() {
                Ok(found) if found.is_symlink() => fs::remove_file(path).expect("a link"),
                Ok(_) => fs::remove_dir_all(path).expect("a folder"),
                Err(_) => {}
            }
        }
        copy(self.before.path(), &self.desk.path(""));
        &self.desk
    }

    /// The steps to try: all of them, or some evenly.
    fn some(&self) -> impl Iterator<Item = usize> + use<> {
        let stride = if kills() >= ALL_FROM { 1 } else { self.steps.len().div_ceil(kills()).max(1) };
        (0..=self.steps.len()).step_by(stride)
    }

    /// Between the fault and the next run all that was good is readable, and all that is there is
    /// whole.
    fn assert_readable(&self, desk: &Desk, when: &str) {
        if desk.path("out/t/latest").exists() {
            desk.call("show exports t.toml").succeeds();
            let there = published(desk);
            let whole = there == self.published_before || there == self.undisturbed;
            assert!(whole, "{when}: the latest run is neither the one before nor the new one");
        } else {
            assert!(self.published_before.is_empty(), "{when}: the latest run is gone");
        }
        let verified = desk.call("verify t.toml");
        let nothing_yet = verified.code == Some(2) && self.published_before.is_empty();
        let left_over = verified.stdout.contains("no commit is there") && self.published_before.is_empty();
        assert!(
            verified.code == Some(0) || nothing_yet || left_over,
            "{when}: {}{}",
            verified.stdout,
            verified.stderr
        );
    }

    /// The next run ends as if nothing had happened.
    fn assert_recovers(&self, desk: &Desk, when: &str) {
        if matches!(self.scene, Scene::Forget) {
            let again = desk.call(self.scene.command());
            let done = again.stderr.contains("forgotten already");
            assert!(again.code == Some(0) || done, "{when}: {}", again.stderr);
        }
        let again = desk.call("run t.toml --quiet");
        assert_eq!(again.code, Some(0), "{when}: {}", again.stderr);
        assert!(
            published(desk) == self.undisturbed,
            "{when}: the tables are not those of an undisturbed run"
        );
        let verified = desk.call("verify t.toml");
        assert_eq!(verified.code, Some(0), "{when}: {}", verified.stdout);
        for folder in ["ledger", "out"] {
            let left: Vec<String> = walkdir::WalkDir::new(desk.path(folder))
                .into_iter()
                .map(|entry| entry.expect("a file"))
                .map(|entry| entry.path().display().to_string())
                .filter(|path| path.contains("/.tmp-"))
                .collect();
            assert!(left.is_empty(), "{when}: left over: {left:?}");
        }
    }
}

fn at_every_step(scene: Scene) {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(scene, shim);
    let mut killed = 0;
    for step in stage.some() {
        let desk = stage.reset();
        let at = step.to_string();
        let mut command = faulty(desk, scene.command(), shim, &[("FAULTS_AT", &at), ("FAULTS_DO", "kill")]);
        let status =
            command.stderr(Stdio::null()).stdout(Stdio::null()).status().expect("the program starts");
        let when = format!("killed at step {}", stage.steps.get(step).map_or("none", String::as_str));
        assert_eq!(status.signal(), (step < stage.steps.len()).then_some(9), "{when}");
        killed += usize::from(status.signal() == Some(9));
        stage.assert_readable(desk, &when);
        stage.assert_recovers(desk, &when);
    }
    eprintln!("killed at {killed} of {} steps, all survived", stage.steps.len());
}

#[test]
fn a_first_run_survives_a_kill_at_every_step() {
    at_every_step(Scene::First);
}

#[test]
fn a_night_survives_a_kill_at_every_step() {
    at_every_step(Scene::Night);
}

#[test]
fn forgetting_survives_a_kill_at_every_step() {
    at_every_step(Scene::Forget);
}

#[test]
fn a_night_passes_through_every_named_step_of_a_commit() {
    let Some(shim) = faults() else { return };
    let steps = Stage::set(Scene::Night, shim).steps;
    // A folder is synced by its own name, a file by a longer one.
    let named = [
        "fsync ledger/t/months/.tmp-",
        "link ledger/t/months/chart=spotify:daily/month=2024-05/",
        "fsync ledger/t/months/chart=spotify:daily/month=2024-05$",
        "link ledger/t/_chartledger/lost-",
        "link ledger/t/_chartledger/exports-",
        "fsync ledger/t/_chartledger$",
        "link ledger/t/_delta_log/00000000000000000001.json$",
        "fsync ledger/t/_delta_log$",
        "link out/t/.runs/.tmp-",
        "rename out/t/.runs/2",
        "fsync out/t/.runs$",
        "symlink out/t/.tmp-",
        "rename out/t/latest$",
        "fsync out/t$",
    ];
    let plain: Vec<String> = steps.iter().map(|step| format!("{}$", step.replace("./", ""))).collect();
    let last = |name: &str| plain.iter().rposition(|step| step.contains(&format!(" {name}")));
    let places: Vec<usize> =
        named.iter().map(|name| last(name).unwrap_or_else(|| panic!("{name} in {plain:#?}"))).collect();
    // Months and dictionaries are durable before the commit names them, the commit before the tables.
    let commit = places[6];
    let (before, after) = (&places[..6], &places[7..]);
    assert!(before.iter().all(|place| *place < commit), "{plain:#?}");
    assert!(after.iter().all(|place| *place > commit) && after.is_sorted(), "{plain:#?}");
}

#[test]
fn a_night_survives_kills_at_random_instants() {
    let Some(shim) = faults() else { return };
    let (mut random, stage) = (random(), Stage::set(Scene::Night, shim));
    let run = |desk: &Desk| -> Child {
        let mut command = program(&desk.path(""));
        command.args(["run", "t.toml", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    };
    let start = Instant::now();
    let timed = stage.reset();
    run(timed).wait().expect("an end");
    let whole = start.elapsed().as_micros() as u64;
    let (mut killed, mut trials) = (0, 0);
    while killed < kills() {
        let desk = stage.reset();
        let mut child = run(desk);
        let after = random.random_range(0..=whole);
        std::thread::sleep(Duration::from_micros(after));
        child.kill().expect("a kill");
        trials += 1;
        assert!(trials <= 20 * kills(), "killed only {killed} of {trials} times");
        // One that has ended before was not killed.
        if child.wait().expect("an end").signal() == Some(9) {
            killed += 1;
            let when = format!("trial {trials}, killed after {after} of {whole} µs");
            stage.assert_readable(desk, &when);
            stage.assert_recovers(desk, &when);
        }
    }
    eprintln!("killed {killed} times at a random instant, all survived");
}

#[test]
fn a_night_killed_over_and_over_ends_as_if_undisturbed() {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(Scene::Night, shim);
    let desk = stage.reset();
    // Each time a little further, on what the last one has left.
    for step in stage.some() {
        let at = step.to_string();
        let mut command =
            faulty(desk, stage.scene.command(), shim, &[("FAULTS_AT", &at), ("FAULTS_DO", "kill")]);
        command.stderr(Stdio::null()).stdout(Stdio::null()).status().expect("the program starts");
        stage.assert_readable(desk, &format!("killed again at {step}"));
    }
    stage.assert_recovers(desk, "after all kills");
}

#[test]
fn the_lock_of_a_dead_process_does_not_block() {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(Scene::Night, shim);
    let desk = stage.reset();
    let at = (stage.steps.len() / 2).to_string();
    let mut command = faulty(desk, stage.scene.command(), shim, &[("FAULTS_AT", &at), ("FAULTS_DO", "kill")]);
    let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().expect("the program starts");
    assert_eq!(status.signal(), Some(9));
    assert!(fs::read_to_string(desk.path("ledger/t/.lock")).expect("the lock").starts_with("process "));
    stage.assert_recovers(desk, "with the lock of a dead process");
}

// ---------------------------------------------------------------------------------- two at once

#[test]
fn of_two_runs_at_once_one_waits_its_turn_or_is_told_who_is_at_it() {
    let Some(shim) = faults() else { return };
    let (mut random, stage) = (random(), Stage::set(Scene::Night, shim));
    let (mut refused, trials) = (0, kills().max(12));
    for trial in 0..trials {
        let desk = stage.reset();
        let start = || {
            let mut command = program(&desk.path(""));
            command.args(["run", "t.toml", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("the program starts")
        };
        let first = start();
        std::thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
        let second = start();
        let ids = [first.id(), second.id()];
        let ended = [first, second].map(|child| child.wait_with_output().expect("an end"));
        for (at, output) in ended.iter().enumerate() {
            match output.status.code() {
                Some(0) => {}
                Some(6) => {
                    refused += 1;
                    let said = String::from_utf8_lossy(&output.stderr);
                    let holder = format!("held by another run (process {})", ids[1 - at]);
                    // The other one may have ended before its note was read.
                    assert!(
                        said.contains(&holder) || said.contains("held by another run;"),
                        "trial {trial}: {said}"
                    );
                }
                code => panic!("trial {trial}: {code:?} {}", String::from_utf8_lossy(&output.stderr)),
            }
        }
        assert!(ended.iter().any(|output| output.status.success()), "trial {trial}: nobody ran");
        assert!(published(desk) == stage.undisturbed, "trial {trial}: the tables are not right");
        stage.assert_recovers(desk, &format!("trial {trial}"));
    }
    eprintln!("{refused} of {trials} second runs were refused, the others came after");
}

// ------------------------------------------------------------------------------------ disk full

/// What a run says that could not write; everything is as it was, or a commit further.
fn assert_told(stage: &Stage, desk: &Desk, ran: &Ran, because: &str, when: &str) {
    assert_eq!(ran.code, Some(5), "{when}: {}", ran.stderr);
    assert!(ran.stderr.contains("cannot write ") && ran.stderr.contains(because), "{when}: {}", ran.stderr);
    stage.assert_readable(desk, when);
}

fn full_from_every_step(scene: Scene) {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(scene, shim);
    for step in stage.some() {
        let desk = stage.reset();
        let at = step.to_string();
        let when = format!("full from step {}", stage.steps.get(step).map_or("none", String::as_str));
        let ran =
            Ran::of(&mut faulty(desk, scene.command(), shim, &[("FAULTS_AT", &at), ("FAULTS_DO", "full")]));
        match ran.code {
            // Nothing but removals and syncs was left to do.
            Some(0) => assert!(stage.steps[step..].iter().all(|step| !step.contains(" write ")), "{when}"),
            _ => assert_told(&stage, desk, &ran, "No space left on device", &when),
        }
        stage.assert_recovers(desk, &when);
    }
}

#[test]
fn a_disk_that_is_full_from_any_step_on_loses_nothing() {
    full_from_every_step(Scene::Night);
    full_from_every_step(Scene::Forget);
}

#[test]
fn a_read_only_ledger_can_be_read_and_says_that_it_cannot_be_written() {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(Scene::Night, shim);
    let desk = stage.reset();
    let read_only = [("FAULTS_AT", "0"), ("FAULTS_DO", "readonly")];
    for command in [stage.scene.command(), "ledger forget april.csv t.toml"] {
        let ran = Ran::of(&mut faulty(desk, command, shim, &read_only));
        assert_told(&stage, desk, &ran, "Read-only file system", command);
    }
    for command in ["verify t.toml", "plan t.toml", "show totals t.toml", "explain t.toml --entity Seven"] {
        Ran::of(&mut faulty(desk, command, shim, &read_only)).succeeds();
    }
    stage.assert_recovers(desk, "writable again");
}

/// A small file system of its own; gone with the value.
struct Tmpfs {
    folder: TempDir,
}

impl Tmpfs {
    /// `None` where it cannot be made.
    fn of(kilobytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={kilobytes}k");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self { folder })
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

#[test]
fn a_small_disk_of_any_size_loses_nothing() {
    if Tmpfs::of(64).is_none() {
        eprintln!("skipped: a tmpfs cannot be mounted here");
        return;
    }
    let Some(shim) = faults() else { return };
    let stage = Stage::set(Scene::Night, shim);
    let (mut full, mut enough) = (0, 0);
    // A run of this scene needs about as much again as is there before it.
    for kilobytes in (0..4000).step_by(if kills() >= ALL_FROM { 8 } else { 64 }) {
        let disk = Tmpfs::of(kilobytes.max(4)).expect("a tmpfs, as before");
        let root = disk.folder.path().display().to_string();
        let desk = stage.reset();
        let copied = ["ledger", "out"].map(|name| {
            let mut copy = Command::new("cp");
            copy.arg("-a").arg(desk.path(name)).arg(&root).stderr(Stdio::null());
            copy.status().is_ok_and(|status| status.success())
        });
        if copied != [true, true] {
            continue;
        }
        for name in ["ledger", "out"] {
            fs::remove_dir_all(desk.path(name)).expect("moved");
            std::os::unix::fs::symlink(disk.folder.path().join(name), desk.path(name)).expect("a link");
        }
        let when = format!("with {kilobytes} kB");
        let ran = desk.call("run t.toml --quiet");
        if ran.code == Some(0) {
            // There may be no room for yet another run.
            assert!(published(desk) == stage.undisturbed, "{when}: the tables are not right");
            desk.call("verify t.toml").succeeds();
            enough += 1;
            if enough == 2 {
                break;
            }
        } else {
            assert_told(&stage, desk, &ran, "No space left on device", &when);
            full += 1;
        }
    }
    assert!(full > 0 && enough == 2, "{full} sizes were too small, {enough} enough");
    eprintln!("{full} sizes were too small, and nothing was lost");
    stage.reset();
}

#[test]
fn an_output_that_cannot_be_written_leaves_the_last_run() {
    let Some(shim) = faults() else { return };
    let stage = Stage::set(Scene::Night, shim);
    let first = |name: &str| stage.steps.iter().position(|step| step.contains(name)).expect("a step");
    // The ledger has its commit by then, and the next run publishes it.
    let desk = stage.reset();
    let at = first("out/t/").to_string();
    let settings = [("FAULTS_AT", at.as_str()), ("FAULTS_DO", "readonly")];
    let ran = Ran::of(&mut faulty(desk, stage.scene.command(), shim, &settings));
    assert_told(&stage, desk, &ran, "Read-only file system", "an output that cannot be written");
    assert_eq!(published(desk), stage.published_before);
    assert_eq!(desk.ledger_version(), Some(1));
    stage.assert_recovers(desk, "writable again");
}

#[test]
fn a_clock_that_is_set_to_before_1970_stops_nothing() {
    let Some(shim) = faults() else { return };
    let desk = Scene::Night.desk();
    let settings = [("FAULTS_CLOCK", "-86400")];
    for args in ["run t.toml --log-format json -v --metrics metrics.prom", "history t.toml", "verify t.toml"]
    {
        let ran = Ran::of(&mut faulty(&desk, args, shim, &settings));
        assert_eq!(ran.code, Some(0), "{args}: {}", ran.stderr);
    }
    // Later ones sort behind it.
    desk.put("exports/june.csv", merged_daily(&APRIL.replace("2024-04", "2024-06")));
    desk.run("");
    assert!(desk.show("coverage").iter().any(|row| row["date"].to_string().contains("2024-06")));
}
