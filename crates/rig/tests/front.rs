//! The front leads where HAProxy's admin socket says, without any client noticing more than a hold.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_rig::{Major, Rig, RigOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn haproxy(rig: &Rig, command: &str) -> String {
    let admin = rig.haproxy.as_ref().unwrap();
    let mut socket = TcpStream::connect((admin.admin_host.as_str(), admin.admin_port)).await.unwrap();
    socket.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn port_reached(connection: &mut PgConnection) -> u16 {
    let row = raw_sql("SELECT current_setting('port')").fetch_one(connection).await.unwrap();
    row.get::<&str, _>(0).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_reached_through_the_front() {
    // With no schema both sides are empty, which is enough to see where a statement arrives.
    let options = RigOptions { schema: None, target: Major::best(), ..RigOptions::default() };
    let rig = Rig::start(options).await.unwrap();
    assert!(haproxy(&rig, "show stat").await.contains("rw,target"), "the admin socket answers over TCP");
    for pooler in &rig.poolers {
        let mut writer = PgConnection::connect(&pooler.rw_url()).await.unwrap();
        let mut reader = PgConnection::connect(&pooler.ro_url()).await.unwrap();
        let mut admin = PgConnection::connect(&pooler.admin_url()).await.unwrap();
        assert_eq!(port_reached(&mut writer).await, rig.source.port, "writes begin on the source");
        assert_eq!(port_reached(&mut reader).await, rig.source.port, "reads begin on the source");

        raw_sql("PAUSE app_rw").execute(&mut admin).await.unwrap();
        haproxy(&rig, "set server rw/source state maint; set server rw/target state ready").await;
        raw_sql("RESUME app_rw").execute(&mut admin).await.unwrap();
        assert_eq!(port_reached(&mut writer).await, rig.target.port, "the open connection went along");

        haproxy(&rig, "set server ro/source weight 0; set server ro/target weight 100").await;
        raw_sql("RECONNECT app_ro").execute(&mut admin).await.unwrap();
        assert_eq!(port_reached(&mut reader).await, rig.target.port, "reads follow the weights");

        haproxy(&rig, "set server rw/target state maint; set server rw/source state ready").await;
        haproxy(&rig, "set server ro/target weight 0; set server ro/source weight 100").await;
        raw_sql("RECONNECT").execute(&mut admin).await.unwrap();
    }
}
