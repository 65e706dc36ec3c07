//! People's passwords: argon2id hashes as PHC strings. Slow on purpose (some 50 ms): never on a thread that serves.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use model::Secret;

/// Hashes `password` with a random salt, argon2id with the library's default cost (19 MiB, 2 passes, OWASP).
///
/// # Errors
/// The operating system gives no random bytes, or no memory is left; the text says which.
pub fn hash(password: &Secret) -> Result<Secret, String> {
    let hash =
        Argon2::default().hash_password(password.expose().as_bytes()).map_err(|error| error.to_string())?;
    Ok(Secret::new(hash.to_string()))
}

/// Whether `password` is the one that `hash` (a PHC string) was made from.
pub fn verify(hash: &str, password: &Secret) -> bool {
    Argon2::default().verify_password(password.expose().as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let password = Secret::new("correct horse battery staple".into());
        let hash = hash(&password).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m="));
        assert!(verify(hash.expose(), &password));
        assert!(!verify(hash.expose(), &Secret::new("correct horse".into())));
        assert!(!verify("nonsense", &password));
    }
}
