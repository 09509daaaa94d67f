//! The network as known here, in SQL.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::HeadSigner;
use rusqlite::params;

use super::SqlTransaction;
use super::values::{column, fixed, number};
use crate::store::{
    DirectoryRows, DocumentKind, HeadCertificate, RefusedWelcome, StoreError, WelcomeDigest,
};

impl DirectoryRows for SqlTransaction<'_> {
    fn put_head_certificate(&self, row: &HeadCertificate) -> Result<(), StoreError> {
        self.run(
            "INSERT OR IGNORE INTO head_certificates (hub, signer, key, leaf, issuing)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.hub.as_str(),
                row.signer.as_bytes(),
                row.key.as_bytes(),
                row.chain.leaf().as_bytes(),
                row.chain.issuing().as_bytes(),
            ],
        )?;
        Ok(())
    }

    fn head_certificate(
        &self,
        hub: &Domain,
        signer: HeadSigner,
    ) -> Result<Option<HeadCertificate>, StoreError> {
        let sql = "SELECT key, leaf, issuing FROM head_certificates WHERE hub = ?1 AND signer = ?2";
        self.first(sql, params![hub.as_str(), signer.as_bytes()], |row| {
            let ders: [Vec<u8>; 2] = [column(row, "leaf")?, column(row, "issuing")?];
            let chain = UnverifiedChain::from_ders(&ders)
                .map_err(|_| StoreError::Corrupt("head certificate"))?;
            let key = PublicKey::from_bytes(fixed(row, "key")?)
                .map_err(|_| StoreError::Corrupt("head certificate"))?;
            Ok(HeadCertificate { hub: hub.clone(), signer, key, chain })
        })
    }

    fn replace_documents(
        &self,
        kind: DocumentKind,
        documents: &[(String, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.run("DELETE FROM documents WHERE kind = ?1", [name_of(kind)])?;
        for (name, bytes) in documents {
            let sql = "INSERT INTO documents (kind, name, bytes) VALUES (?1, ?2, ?3)";
            self.run(sql, params![name_of(kind), name, bytes])?;
        }
        Ok(())
    }

    fn documents(&self, kind: DocumentKind) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT name, bytes FROM documents WHERE kind = ?1 ORDER BY name";
        self.all(sql, [name_of(kind)], |row| Ok((column(row, "name")?, column(row, "bytes")?)))
    }

    fn put_welcome(&self, digest: WelcomeDigest) -> Result<(), StoreError> {
        self.run("INSERT OR IGNORE INTO welcomes (digest) VALUES (?1)", [digest.0])?;
        Ok(())
    }

    fn has_welcome(&self, digest: WelcomeDigest) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS found FROM welcomes WHERE digest = ?1";
        Ok(self.first(sql, [digest.0], |row| column::<i64>(row, "found"))?.is_some())
    }

    fn put_refused_welcome(
        &self,
        refused: &RefusedWelcome,
        since: Timestamp,
        limit: u64,
    ) -> Result<bool, StoreError> {
        let now = number(refused.at.as_millis());
        let forget = "DELETE FROM refused_welcomes WHERE refused_at NOT BETWEEN ?1 AND ?2";
        self.run(forget, [number(since.as_millis()), now])?;
        let hub = refused.hub.as_ref().map_or("", Domain::as_str);
        let sql = "INSERT OR IGNORE INTO refused_welcomes (hub, channel, seq, refused_at)
                   SELECT ?1, ?2, ?3, ?4
                   WHERE (SELECT COUNT(*) FROM refused_welcomes WHERE hub = ?1) < ?5";
        let (seq, limit) = (number(refused.seq.0), number(limit));
        Ok(self.run(sql, params![hub, refused.channel.as_bytes(), seq, now, limit])? == 1)
    }

    fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM settings WHERE name = ?1";
        self.first(sql, [name], |row| column(row, "value"))
    }

    fn put_setting(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.run(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [name, value],
            )?,
            None => self.run("DELETE FROM settings WHERE name = ?1", [name])?,
        };
        Ok(())
    }
}

fn name_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::RevocationList => "revocation-list",
        DocumentKind::EndpointRecord => "endpoint-record",
        DocumentKind::Bundle => "bundle",
        DocumentKind::HubVote => "hub-vote",
        DocumentKind::OwnCertificates => "own-certificates",
    }
}
