//! SIGHUP ends nothing

use crate::support::World;

#[test]
fn a_hangup_ends_no_server_and_the_end_is_well_ordered_after_it() {
    let world = World::new();
    let node = world.node();
    for _ in 0..3 {
        node.signal("-HUP");
        assert_eq!(node.get("/oauth/jwks").status, 200);
    }
    assert!(node.is_ready());
    node.stop();
}
