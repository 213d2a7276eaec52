//! IPv6 on both sides.

use harness::prelude::*;

#[test]
fn clients_and_members_may_speak_over_ipv6() {
    let Ok(backend) = BareBackend::on("[::1]:0") else { return skipped("this machine has no IPv6") };
    let proxy = proxy(format!("Listen [::1]:0\nListen 127.0.0.1:0\n{}", serving([&backend])));
    let own = backend.address().to_string();
    for (address, client_is) in proxy.addresses().into_iter().zip(["::1", "127.0.0.1"]) {
        let mut client = Peer::to(address);
        client.says(format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"));
        let mut member = backend.peer();
        let head = member.head();
        assert_eq!(head.header("host"), Some(own.as_str()));
        assert_eq!(head.header("x-forwarded-for"), Some(client_is));
        assert_eq!(head.header("x-forwarded-host"), Some(address.to_string().as_str()));
        let server = address.to_string();
        assert_eq!(head.header("x-forwarded-server"), server.rsplit_once(':').map(|(host, _)| host));
        member.says("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(client.answer("GET").status, 302);
    }
    assert_eq!(proxy.member("app", &own).served, 2);
    proxy.edit("app", &own, r#"{"disabled":true}"#);
    assert_eq!(visits(&proxy, 1), "[503]");
}
