use std::os::unix::fs::PermissionsExt as _;

use model::Secret;

use super::*;
use crate::SetupCode;

#[test]
fn a_new_folder_is_made_and_is_for_its_owner_only() {
    run(async {
        let scratch = Scratch::new();
        let deep = scratch.file("a/b");
        let opened = try_open(&deep).await.unwrap();
        assert!(opened.first_start);
        apply(&opened.store, TWO).await;
        opened.store.setup_code().unwrap();
        assert_eq!(fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
        for (path, _) in scratch.bytes() {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
        opened.store.close().await;
    });
}

#[test]
fn a_folder_and_files_that_others_could_read_are_closed_to_them() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        apply(&opened.store, TWO).await;
        opened.store.close().await;
        drop(opened);
        let modes = |mode: u32, folder: u32| {
            let set = |path: &Path, mode| match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
                // A journal that went meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result.unwrap(),
            };
            scratch.bytes().iter().for_each(|(path, _)| set(path, mode));
            [scratch.path(), &scratch.file("logs")].iter().for_each(|path| set(path, folder));
        };
        modes(0o644, 0o755);
        let opened = open(&scratch).await;
        apply(&opened.store, "[[extensions]]\nnumber = \"103\"\n").await;
        opened.store.logs().write(model::event::Event::new(&model::event::OVERLOADED, crate::wall()));
        opened.store.logs().flush();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for folder in [scratch.path(), &scratch.file("logs")] {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
        for (path, _) in scratch.bytes() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        opened.store.close().await;
    });
}

#[test]
fn a_folder_shared_by_all_is_refused_and_left_as_it_is() {
    run(async {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path()).unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let refused = try_open(scratch.path()).await.unwrap_err().to_string();
        assert!(refused.contains("shared by all users") && !refused.contains('\n'), "{refused}");
        assert_eq!(fs::metadata(scratch.path()).unwrap().permissions().mode() & 0o7777, 0o1777);
    });
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_in_one_line() {
    run(async {
        let scratch = Scratch::new();
        let first = open(&scratch).await;
        let refused = try_open(scratch.path()).await.unwrap_err().to_string();
        let expected = format!("used by another server (process {}); stop that one", std::process::id());
        assert!(refused.contains(&expected) && !refused.contains('\n'), "{refused}");
        first.store.close().await;
        drop(first);
        assert!(!open(&scratch).await.first_start);
    });
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_in_one_line() {
    run(async {
        let scratch = Scratch::new();
        fs::write(scratch.path(), "a file").unwrap();
        for path in [scratch.path().to_owned(), scratch.file("below")] {
            let refused = try_open(&path).await.unwrap_err().to_string();
            assert!(refused.contains("name a folder with --data") && !refused.contains('\n'), "{refused}");
        }
        fs::remove_file(scratch.path()).unwrap();
    });
}

#[test]
fn a_damaged_database_is_refused_in_one_line_and_left_as_it_is() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let mut text = String::new();
        for number in 1_000..1_400 {
            text.push_str(&format!(
                "[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\" }}]\n"
            ));
        }
        apply(&opened.store, &text).await;
        opened.store.close().await;
        drop(opened);
        let path = scratch.file("ringwall.db");
        let sound = fs::read(&path).unwrap();
        let middle = sound.len() / 2 / 4_096 * 4_096;
        for place in [0, middle] {
            let mut damaged = sound.clone();
            damaged[place..place + 512].fill(0x5a);
            fs::write(&path, &damaged).unwrap();
            let refused = try_open(scratch.path()).await.unwrap_err().to_string();
            assert!(refused.contains("ringwall.db: the database is damaged"), "{refused}");
            assert!(refused.contains("restore a backup") && !refused.contains('\n'), "{refused}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
        fs::write(&path, &sound).unwrap();
        assert_eq!(open(&scratch).await.store.office().extensions.len(), 400);
    });
}

#[test]
fn a_database_of_a_later_release_is_left_alone() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                      VALUES (9999, 'later', TRUE, x'00', 0)";
        sqlx::query(insert).execute(&mut *opened.store.writer().await).await.unwrap();
        opened.store.close().await;
        drop(opened);
        let refused = try_open(scratch.path()).await.unwrap_err().to_string();
        assert!(refused.contains("written by a later release (migration 9999)"), "{refused}");
    });
}

#[test]
fn without_its_key_a_database_with_secrets_does_not_open() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        apply(&opened.store, TWO).await;
        opened.store.close().await;
        drop(opened);
        let path = scratch.file("secret.key");
        let key = fs::read(&path).unwrap();
        for (wrong, expected) in [
            (None, "missing, and the database holds secrets"),
            (Some(vec![7; 32]), "does not open: sealed with another key, or changed"),
            (Some(vec![7; 31]), "not a key of 32 bytes"),
        ] {
            match wrong {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            let refused = try_open(scratch.path()).await.unwrap_err().to_string();
            assert!(refused.contains(expected) && !refused.contains('\n'), "{refused}");
        }
        fs::write(&path, key).unwrap();
        let office = open(&scratch).await.store.office();
        assert_eq!(office.sip_passwords["101"], Secret::new("planted-Sip-secret-8241".into()));
    });
}

#[test]
fn the_set_up_code_waits_until_there_is_an_administrator() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let waiting = |code| match code {
            SetupCode::Waiting(code) => code,
            SetupCode::NotNeeded => panic!("needed"),
        };
        let first = waiting(opened.store.setup_code().unwrap());
        assert_eq!(fs::read_to_string(scratch.file("setup-code")).unwrap().trim(), first.expose());
        assert_eq!(waiting(opened.store.setup_code().unwrap()), first, "it stays the same over a restart");
        apply(&opened.store, TWO).await;
        assert!(!scratch.file("setup-code").exists());
        assert!(matches!(opened.store.setup_code().unwrap(), SetupCode::NotNeeded));
    });
}
