//! One input per command that fits.

use serde_json::{Value, json};

/// What the samples speak of.
pub struct Known {
    /// An endpoint's fields.
    pub endpoint: Value,
    /// Limits.
    pub limits: Value,
    /// Passwords; they must turn up nowhere.
    pub password: &'static str,
}

/// The input that fits a command; None for a command that nobody has written one for.
pub fn fitting(command: &str, known: &Known) -> Option<Value> {
    let table = json!({ "schema": "public", "name": "orders" });
    let drill = json!({ "migration": "shop", "failure": "slow-target", "act": { "act": "reads", "percent": 10 },
        "canary": "app", "password": known.password, "goal_ms": 5000 });
    let entry = json!({ "object": "public.orders", "kind": "table", "what": "missing", "source": "a", "target": null,
        "reason": "known", "by": "ann" });
    let routers = json!([
        { "kind": "pg_bouncer", "host": "127.0.0.1", "port": 6432, "user": "admin", "rw_database": "app_rw", "ro_database": "app_ro" },
        { "kind": "haproxy", "address": "127.0.0.1:9999", "rw_backend": "rw", "ro_backend": "ro", "source_server": "source", "target_server": "target" },
    ]);
    Some(match command {
        "app_info" | "endpoint_list" | "endpoint_importable" | "migration_list" | "limits_templates" => json!({}),
        "endpoint_save" | "endpoint_test" => {
            json!({ "endpoint": known.endpoint, "password": known.password, "rename_from": null })
        }
        "endpoint_delete" => json!({ "name": "spare" }),
        "endpoint_read_url" => {
            json!({ "url": format!("postgres://ann:{}@db.example:5433/shop?sslmode=require", known.password) })
        }
        "endpoint_import" => json!({ "name": "reporting" }),
        "migration_create" => json!({ "name": "another", "source": "a", "target": "b", "routers": routers,
            "router_passwords": [{ "secret": "router:x", "password": known.password }], "limits": "normal", "strategy": "live" }),
        "cockpit" => json!({ "name": "shop", "have": { "validation_at": 1, "copy_done": true } }),
        "preview" => json!({ "migration": "shop", "command": { "command": "shift_reads", "percent": 1 } }),
        "run" => {
            json!({ "migration": "shop", "command": { "command": "repair", "table": table, "findings": [1] }, "reason": "why" })
        }
        "command_result" => json!({ "ticket": 1 }),
        "sign_off" => json!({ "migration": "shop", "check": "analysis.owner", "name": "Ann", "reason": "seen" }),
        "override_gate" => json!({ "migration": "shop", "gate": "lag", "name": "shop", "reason": "why" }),
        "set_limits" => json!({ "migration": "shop", "limits": known.limits }),
        "provide_password" => json!({ "secret": "a", "password": known.password }),
        "journal" => json!({ "migration": "shop", "after": 0, "limit": 100 }),
        "consistency" | "schema_differences" | "measure_pair" | "pools_now" | "drills" | "dual_write"
        | "dual_write_off" | "transactions" | "shadow" | "shadow_stop" | "replay_job" | "replay_stop" | "load_stop" => {
            json!({ "name": "shop" })
        }
        "findings" => json!({ "migration": "shop", "table": table, "after": 0, "most": 50 }),
        "set_pacing" => json!({ "migration": "shop", "pacing": { "paused": false, "duty": 25, "full_every_s": 0 } }),
        "compare_now" => json!({ "migration": "shop", "tables": [table] }),
        "timeline" => json!({ "migration": "shop", "width": 900, "dark": true }),
        "change_timeline" => {
            json!({ "migration": "shop", "edits": { "start": "2026-12-01", "team": 2, "skip_weekends": true,
            "days": { "prepare": 2.5 }, "done": { "analysis": "2026-12-02" } } })
        }
        "pools" => json!({ "migration": "shop", "pool": 20 }),
        "drill_start" => drill,
        "drill_schedule" => json!({ "drill": drill, "every_s": 3600 }),
        "end_transaction" => json!({ "migration": "shop", "id": "4711-7f3a9c02", "name": "Ann", "reason": "why" }),
        "set_canary" => json!({ "migration": "shop", "role": "app", "password": known.password }),
        "metrics" => json!({ "migration": "shop", "name": null, "read": true }),
        "metric_set" | "metric_try" => {
            json!({ "migration": "shop", "name": "errors", "url": "http://127.0.0.1:1/prometheus",
            "query": "sum(rate(http_errors_total[1m]))", "bound": "above", "limit": 1.5, "for_s": 60, "unit": "/s",
            "user": "ann", "secret": known.password, "secret_file": null, "ca_file": "/nowhere/ca.pem" })
        }
        "metric_remove" => json!({ "migration": "shop", "name": "errors" }),
        "queries_top" => {
            json!({ "migration": "shop", "window": "start", "sort": "damage", "limit": 20, "own": true, "logs": null })
        }
        "queries_errors" => {
            json!({ "migration": "shop", "target_files": ["/nowhere/postgresql.csv"], "source_files": [],
            "prefix": "%m [%p] ", "since": null })
        }
        "queries_sources" => json!({ "migration": "shop", "seconds": 1 }),
        "queries_import" => {
            json!({ "file": "/nowhere/out.json", "kind": "pgbadger", "limit": 20, "migration": null })
        }
        "queries_plans" => {
            json!({ "migration": "shop", "statement": "0123456789abcdef", "text": null, "run": false })
        }
        "shadow_start" => {
            json!({ "migration": "shop", "traffic": "files", "files": ["/nowhere/postgresql.csv"], "prefix": null,
            "seconds": 1, "share": 50, "rate": 10 })
        }
        "captures" => json!({ "migration": "shop" }),
        "capture_start" => {
            json!({ "migration": "shop", "file": "/nowhere/shop.capture", "seconds": 1, "answers": true })
        }
        "capture_stop" | "capture_add" | "capture_forget" => json!({ "file": "/nowhere/shop.capture" }),
        "replay_start" => {
            json!({ "migration": "shop", "file": "/nowhere/shop.capture", "at": "spare", "against": null, "speed": "times",
            "times": 2.0, "first_look": true })
        }
        "load_start" => {
            json!({ "migration": "shop", "at": "spare", "of": { "of": "script", "text": "SELECT 1;" },
            "how": { "how": "ramp", "from": 1.0, "to": 2.0, "steps": 2 }, "seconds": 1, "sessions": 1, "max_p99_ms": 50.0,
            "max_failed": 1.0 })
        }
        "load_job" => {
            json!({ "migration": "shop", "width": 600, "height": 140, "dark": false, "utc_offset_minutes": 0 })
        }
        "queries_index" => json!({ "migration": "shop", "statement": "0123456789abcdef", "apply": false }),
        "dual_write_on" => {
            json!({ "migration": "shop", "scope": { "scope": "role", "role": "app" }, "budget_us": 3000 })
        }
        "accept_difference" | "take_back_difference" => json!({ "migration": "shop", "entry": entry }),
        "latency_chart" => {
            json!({ "migration": "shop", "what": "reads", "percentile": "p99", "minutes": 15, "width": 600, "height": 200,
            "dark": false, "utc_offset_minutes": 0 })
        }
        "lag_chart" => {
            json!({ "migration": "shop", "from": "source", "minutes": 15, "width": 600, "height": 200, "dark": false,
            "utc_offset_minutes": 60 })
        }
        _ => return None,
    })
}
