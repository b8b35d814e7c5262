//! The sample and its tables at Azure Blob Storage, on its emulator.

use std::process::Command;

use super::{call, command, tables};
use crate::support::{Desk, HERE, Ran};

#[test]
#[ignore = "needs the server of tests/store/run azure"]
fn the_sample_is_read_from_azure_and_published_there() {
    let server = std::env::var("CHARTLEDGER_STORE_AZURE").expect("the server of tests/store/run azure");
    let desk = Desk::new();
    let emulated = |command: &mut Command| {
        let settings =
            [("AZURE_STORAGE_USE_EMULATOR", "true"), ("AZURITE_BLOB_STORAGE_URL", server.as_str())];
        Ran::of(command.envs(settings))
    };
    let pipeline = format!("{HERE}/pipelines/k-soloists.toml");
    let ask = |args: &str| emulated(&mut command(&desk, "", args));
    let run = format!("run {pipeline} --exports az://charts/in --ledger l --out az://charts/tables");
    let ran = ask(&run).succeeds();
    assert!(ran.stderr.contains("read       138 new exports of 138 found, 90,550 rows"), "{}", ran.stderr);
    assert!(ran.stderr.contains("published  az://charts/tables/k-soloists/latest"), "{}", ran.stderr);
    let ran = ask(&run).succeeds();
    assert!(ran.stderr.contains("nothing new in 138 exports"), "{}", ran.stderr);
    // Over the pointer that is there now.
    ask(&format!("{run} --full")).succeeds();
    let verified = ask(&format!("verify {pipeline} --ledger l --out az://charts/tables")).succeeds().stdout;
    assert!(verified.contains("runs       2 published"), "{verified}");
    assert!(verified.contains("whose objects were fetched and hashed"), "{verified}");

    let files = format!("run {pipeline} --exports {HERE}/data/exports --ledger files --out files-out -q");
    call(&desk, "", &files).succeeds();
    let copies = std::fs::read_dir(desk.path("l/.objects")).expect("a folder").flatten();
    let copy = copies.map(|entry| entry.path()).find(|path| path.is_dir()).expect("a copy of the runs");
    assert!(tables(&copy.join("latest")) == tables(&desk.path("files-out/k-soloists/latest")));

    let said = ask("plan t.toml --exports az://nothing/in").fails(3);
    assert!(said.contains("there is no bucket az://nothing (ContainerNotFound: "), "{said}");
    let mut wrong = command(&desk, "", "plan t.toml --exports az://charts/in");
    let said = emulated(wrong.env("AZURE_STORAGE_ACCOUNT_KEY", "bm90IHRoZSBrZXk=")).fails(3);
    assert!(said.contains("the store does not accept the credentials (AuthorizationFailure: "), "{said}");
}
