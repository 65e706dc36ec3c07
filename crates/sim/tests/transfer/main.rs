//! Transfers, one file for each kind: `blind`, `attended`, and what goes wrong meanwhile (`faults`).

mod blind;
mod faults;

use sim::{DialogId, Office, World};

fn office() -> Office {
    Office::of(&["101", "102", "103", "104"])
}

/// Alice (101) and Bob (102) talk; Carol (103) and Dave (104) are there.
struct Scene {
    world: World,
    alice: DialogId,
    bob: DialogId,
    carol: usize,
    dave: usize,
}

fn talking(seed: u64, office: Office) -> Scene {
    let mut world = World::new(seed, office);
    let [alice, bob, carol, dave] = world.phones(["101", "102", "103", "104"]);
    let (alice, bob) = world.connect_call(alice, "102", bob);
    world.assert_talking(alice, bob);
    Scene { world, alice, bob, carol, dave }
}

impl Scene {
    /// Alice transfers Bob to Carol, whose phone rings.
    fn transferred(seed: u64) -> (Scene, DialogId) {
        let mut scene = talking(seed, office());
        scene.world.transfer(scene.alice, scene.bob, "103");
        let carol = scene.world.wait_ringing(scene.carol);
        scene.world.may_connect(scene.bob, carol);
        (scene, carol)
    }

    fn told(&self) -> &[u16] {
        &self.world.dialog(self.alice).referred.told
    }

    /// The records of the first call and of the attempt.
    fn finish(&mut self) -> [model::record::CallRecord; 2] {
        let records = self.world.finish();
        records.try_into().unwrap_or_else(|records| panic!("two calls, two records: {records:?}"))
    }
}
