use model::Secret;

use super::*;
use crate::console::Factor;

#[test]
fn a_code_and_a_recovery_code_are_good_once_also_over_a_restart_and_the_secret_is_sealed() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let factor = Factor { secret: Secret::new("JBSWY3DPEHPK3PXPPLANTED7".into()), last_step: 10 };
        let codes = ["abcde-fghij".to_owned(), "klmno-pqrst".to_owned()];
        store.console().keep_factor("anna", &factor, &codes).await.unwrap();
        let console = store.console();
        assert!(!console.take_step("anna", 10).await.unwrap(), "the one that confirmed it");
        assert!(console.take_step("anna", 11).await.unwrap());
        assert!(!console.take_step("anna", 11).await.unwrap(), "the same again");
        assert!(!console.take_step("berta", 12).await.unwrap(), "somebody without one");
        assert!(console.take_recovery_code("anna", &codes[0]).await.unwrap());
        store.close().await;
        drop((console, store));

        let store = open(&scratch).await.store;
        let console = store.console();
        assert!(!console.take_step("anna", 11).await.unwrap(), "the same after a restart");
        assert!(!console.take_recovery_code("anna", &codes[0]).await.unwrap());
        assert!(!console.take_recovery_code("berta", &codes[1]).await.unwrap());
        assert!(console.take_recovery_code("anna", &codes[1]).await.unwrap());
        assert_eq!(console.factors().await.unwrap()[0].1.secret.expose(), factor.secret.expose());
        store.close().await;
        for (file, bytes) in scratch.bytes() {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("PLANTED") && !text.contains("klmno"), "{}", file.display());
        }
    });
}
