//! One authority of the example: its CAs, a relay, two devices of an officer, one of them revoked.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Workshop, copy, write};
use crate::process;

#[derive(Debug)]
pub(super) struct Authority {
    pub(super) domain: &'static str,
    name: &'static str,
    country: &'static str,
    /// Local part of an officer's address, and the officer's name.
    officer: (&'static str, &'static str),
}

pub(super) const AUTHORITIES: &[Authority] = &[
    Authority {
        domain: "fge.example",
        name: "Fiscalía General",
        country: "ES",
        officer: ("ana-ruiz", "Ana Ruiz Gómez"),
    },
    Authority {
        domain: "mpf.example",
        name: "Ministério Público",
        country: "PT",
        officer: ("beatriz-conceicao", "Beatriz Conceição"),
    },
];

const GOOD: [&str; 3] = ["relay", "head", "laptop"];
const REVOKED: &str = "lost-laptop";

impl Authority {
    /// Issues everything, and copies what is public to where it is shown.
    pub(super) fn make(&self, shop: &Workshop<'_>) -> Result<()> {
        let registry = shop.registry_of(self);
        process::run(
            shop.enlace(["authority", "init", "--domain", self.domain, "--country", self.country])
                .args(["--name", self.name])
                .arg(&registry)
                .arg("--root-passphrase-file")
                .arg(shop.passphrase())
                .arg("--passphrase-file")
                .arg(shop.passphrase()),
        )?;
        let shown = shop.shown_of(self);
        fs::create_dir_all(&shown)
            .with_context(|| format!("{} cannot be made", shown.display()))?;
        self.certify_relay(shop)?;
        self.certify_device(shop, "laptop")?;
        self.certify_device(shop, REVOKED)?;
        let lost = self.device_name(REVOKED);
        process::run(self.registrar(shop, "revoke").args([&lost, "--reason", "lost"]))?;
        let address = format!("r1=relay.{}:4433", self.domain);
        process::run(self.registrar(shop, "endpoint").args(["--relay", &address]))?;
        self.show(shop)
    }

    /// Adds the authority to the network's bundle.
    pub(super) fn join(&self, shop: &Workshop<'_>, network: &Path) -> Result<()> {
        process::run(
            shop.enlace(["network", "add", "--country", self.country, "--name", self.name])
                .arg("--authority-certificate")
                .arg(shop.shown_of(self).join("root.pem"))
                .arg(network),
        )
    }

    /// Signs the network's bundle.
    pub(super) fn sign(&self, shop: &Workshop<'_>, network: &Path) -> Result<()> {
        process::run(
            shop.enlace(["network", "sign", "--authority"])
                .arg(shop.registry_of(self))
                .arg("--root-passphrase-file")
                .arg(shop.passphrase())
                .arg(network),
        )
    }

    /// Has openssl judge what is shown.
    pub(super) fn verify(&self, shop: &Workshop<'_>) -> Result<()> {
        for leaf in GOOD {
            process::run(&mut self.openssl_verify(shop, leaf))?;
        }
        let accepted = process::succeeds(&mut self.openssl_verify(shop, REVOKED));
        ensure!(!accepted, "openssl accepts the revoked certificate of {}", self.domain);
        Ok(())
    }

    fn certify_relay(&self, shop: &Workshop<'_>) -> Result<()> {
        let directory = shop.secret.join(format!("relay of {}", self.domain));
        let name = format!("r1.relay.{}", self.domain);
        let init = ["relay", "--", "init", "--name", &name, "--dir"];
        process::run(shop.enlace(init).arg(&directory))?;
        for kind in ["relay", "head"] {
            process::run(
                self.registrar(shop, "issue")
                    .arg(directory.join(format!("{kind}.csr")))
                    .args([&format!("--{kind}"), "r1", "--out"])
                    .arg(shop.shown_of(self).join(format!("{kind}.pem"))),
            )?;
        }
        Ok(())
    }

    /// The request comes from openssl here: any program may make one.
    fn certify_device(&self, shop: &Workshop<'_>, device: &str) -> Result<()> {
        let (officer, common_name) = self.officer;
        let request = shop.secret.join(format!("{}.csr", self.device_name(device)));
        let san = format!("subjectAltName=DNS:{}", self.device_name(device));
        process::run(
            shop.openssl(["req", "-new", "-newkey", "ed25519", "-noenc", "-utf8", "-keyout"])
                .arg(request.with_extension("key"))
                .args(["-subj", &format!("/CN={common_name}"), "-addext", &san, "-out"])
                .arg(&request),
        )?;
        let address = format!("{officer}@{}", self.domain);
        process::run(
            self.registrar(shop, "issue")
                .arg(request)
                .args(["--name", &address, "--device", device])
                .args(["--common-name", common_name, "--out"])
                .arg(shop.shown_of(self).join(format!("{device}.pem"))),
        )
    }

    fn device_name(&self, device: &str) -> String {
        format!("{device}.{}.officer.{}", self.officer.0, self.domain)
    }

    fn registrar(&self, shop: &Workshop<'_>, command: &str) -> Command {
        let mut registrar = shop.enlace(["authority", command, "--authority"]);
        registrar.arg(shop.registry_of(self)).arg("--passphrase-file").arg(shop.passphrase());
        registrar
    }

    fn show(&self, shop: &Workshop<'_>) -> Result<()> {
        let shown = shop.shown_of(self);
        let public = shop.registry_of(self).join("public");
        for file in ["root.pem", "issuing.pem", "root.crl", "issuing.crl", "endpoint"] {
            copy(&public.join(format!("{}.{file}", self.domain)), &shown.join(file))?;
        }
        for name in ["root", "issuing", REVOKED].iter().chain(&GOOD) {
            describe(shop, "x509", &shown.join(format!("{name}.pem")))?;
        }
        describe(shop, "crl", &shown.join("issuing.crl"))
    }

    fn openssl_verify(&self, shop: &Workshop<'_>, leaf: &str) -> Command {
        let mut verify = shop.openssl(["verify", "-crl_check_all", "-CAfile", "root.pem"]);
        verify
            .args(["-CRLfile", "root.crl", "-CRLfile", "issuing.crl"])
            .args(["-untrusted", "issuing.pem"])
            .arg(format!("{leaf}.pem"))
            .current_dir(shop.shown_of(self));
        verify
    }
}

/// Writes what openssl reads in a file into `<file>.txt`.
fn describe(shop: &Workshop<'_>, kind: &str, file: &Path) -> Result<()> {
    let text = [kind, "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb", "-in"];
    let text = process::output(shop.openssl(text).arg(file))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    write(&file.with_file_name(format!("{name}.txt")), &text)
}
