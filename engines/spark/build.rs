//! Says at once what is missing. The client's own build script runs minutes later, and would say
//! less.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=PROTOC");
    println!("cargo::rerun-if-env-changed=PATH");
    let protoc = std::env::var_os("PROTOC").unwrap_or_else(|| "protoc".into());
    let found = Command::new(&protoc).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!(
            "cargo::error=the Spark engine needs `protoc` to build: install Debian's protobuf-compiler and \
             libprotobuf-dev, or name the program in PROTOC"
        );
        std::process::exit(1);
    }
}
