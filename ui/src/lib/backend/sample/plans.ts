import type { Command } from "../../api/generated/Command";
import type { PreviewStep } from "../../api/generated/PreviewStep";
import type { Side } from "../../api/generated/Side";

const PGB = ["PgBouncer pgb-1:6432", "PgBouncer pgb-2:6432"] as const;
const HAPROXY = "HAProxy 10.2.0.20:9999";

type Short = [name: string, title: string, deadlineMs: number, lastMs: number | null, actions: [string, string][]];

function steps(list: Short[]): PreviewStep[] {
  return list.map(([name, title, deadline_ms, last_ms, actions]) => ({
    name,
    title,
    deadline_ms,
    last_ms,
    point_of_no_return: name === "point_of_no_return",
    actions: actions.map(([at, run]) => ({ at, run })),
    problem: null,
  }));
}

/** The write switch from one side to the other; a rollback is the same with the sides swapped. */
function writeSwitch(from: Side, epoch: number): PreviewStep[] {
  const to = from === "source" ? "target" : "source";
  const loser = from === "source" ? "orders-eu" : "orders-eu-18";
  const winner = from === "source" ? "orders-eu-18" : "orders-eu";
  return steps([
    ["guard", "Ask every gate and the canary once more", 3000, 2.1, []],
    ["hold", "Hold writers at both PgBouncers", 5000, 3.4, PGB.map((p) => [p, "PAUSE app_rw"])],
    [
      "fence",
      `Fence the ${from}`,
      1000,
      4.2,
      [
        [loser, "BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '6s'"],
        [loser, 'LOCK TABLE "public"."orders", "public"."order_lines", "public"."invoices" IN EXCLUSIVE MODE'],
        ...["orders", "order_lines", "invoices", "customers", "sessions"].map((t): [string, string] => [
          loser,
          `ALTER TABLE "public"."${t}" ENABLE TRIGGER switchyard_fence`,
        ]),
      ],
    ],
    ["caught_up", `Prove that the ${to} has everything`, 3000, 6.8, [[winner, "SELECT 1 FROM switchyard.beat WHERE seq >= 88412"]]],
    ["sequences", `Advance the sequences on the ${to}`, 1000, 1.9, [[winner, "SELECT setval('public.orders_id_seq', 912330481 + 1000)"]]],
    ["point_of_no_return", "Journal: point of no return", 500, 0.8, [["journal", `authority = ${to}, epoch ${epoch}`], [loser, "COMMIT"]]],
    [
      "route",
      `Route writes to the ${to}`,
      2000,
      4.9,
      [
        [HAPROXY, `set server rw/${from} state maint`],
        [HAPROXY, `set server rw/${to} state ready`],
        ...(from === "target" ? [[HAPROXY, "set server ro/source weight 100; set server ro/target weight 0"] as [string, string]] : []),
      ],
    ],
    ["release", "Release the writers", 2000, 2.2, PGB.map((p) => [p, "RESUME app_rw"])],
    ["watch", `See the first write on the ${to}`, 5000, 11.4, []],
  ]);
}

function shift(from: number, to: number): PreviewStep[] {
  return steps([
    ["weights", `Send ${to} % of reads to the target`, 2000, 3.1, [
      [HAPROXY, `set server ro/target weight ${to}`],
      [HAPROXY, `set server ro/source weight ${100 - to}`],
    ]],
    ["renew", "Let pooled readers connect anew", 2000, 1.2, PGB.map((p) => [p, "RECONNECT app_ro"])],
    ["read_back", `Read the route back: ${from} % → ${to} %`, 2000, 1.4, [[HAPROXY, "show servers state ro"]]],
  ]);
}

const OTHERS: Record<string, PreviewStep[]> = {
  analyze: steps([
    ["catalog_source", "Read the source's catalog", 30000, null, []],
    ["catalog_target", "Read the target's catalog", 30000, null, []],
    ["preflight", "Run the preflight", 30000, null, []],
  ]),
  prepare: steps([
    ["dump", "Dump the source's schema", 60000, null, [["this machine", "pg_dump --schema-only --section=pre-data --no-owner orders-eu"]]],
    ["restore", "Restore it on the target", 60000, null, [["this machine", "pg_restore --exit-on-error --dbname=orders-eu-18"]]],
    ["objects", "Make our own objects on both sides", 10000, null, [["orders-eu", 'CREATE SCHEMA "switchyard"'], ["orders-eu-18", 'CREATE SCHEMA "switchyard"']]],
  ]),
  hold: steps([
    ["guard_hold", "See that nothing would block the fence on orders-eu", 30000, 12.1, []],
    ["hold", "Hold writes at every PgBouncer", 5000, 4.2, PGB.map((p) => [p, "PAUSE app_rw"])],
    ["refuse_writes", "orders-eu refuses writes and goes on answering reads", 3000, 14.8, [
      ["orders-eu", 'LOCK TABLE ONLY "public"."orders", … IN EXCLUSIVE MODE'],
      ["orders-eu", 'ALTER TABLE ONLY "public"."orders" ENABLE TRIGGER switchyard_fence'],
      ["orders-eu", "COMMIT"],
    ]],
    ["resume", "Clients go on: reads are answered, writes are refused", 5000, 1.1, PGB.map((p) => [p, "RESUME app_rw"])],
  ]),
  release: steps([
    ["let_writes_in", "Let writes go on at orders-eu", 60000, 6.4, [
      ["orders-eu", 'ALTER TABLE ONLY "public"."orders" DISABLE TRIGGER switchyard_fence'],
    ]],
  ]),
  replicate: steps([
    ["publication", "Publish every table on the source", 10000, null, [["orders-eu", 'CREATE PUBLICATION "switchyard_fwd" FOR TABLE …']]],
    ["subscription", "Subscribe on the target and copy", 10000, null, [["orders-eu-18", 'CREATE SUBSCRIPTION "switchyard_fwd" CONNECTION \'…\' PUBLICATION "switchyard_fwd" WITH (origin = none)']]],
    ["way_back", "Make the way back", 10000, null, [["orders-eu-18", 'CREATE PUBLICATION "switchyard_back" FOR TABLE "switchyard"."canary"']]],
  ]),
  validate: steps([
    ["count", "Count every table on both sides", 600000, 41200, [["both", "SELECT count(*) FROM …"]]],
    ["digest", "Digest every table on both sides", 3600000, 184000, [["both", "SELECT sum(hash_record_extended(t, 0)::numeric) FROM … t"]]],
  ]),
  cleanup: steps([
    ["subscriptions", "Drop both subscriptions with their slots", 10000, null, [
      ["orders-eu-18", 'DROP SUBSCRIPTION "switchyard_fwd"'],
      ["orders-eu", 'DROP SUBSCRIPTION "switchyard_back"'],
    ]],
    ["publications", "Drop both publications", 10000, null, [
      ["orders-eu", 'DROP PUBLICATION "switchyard_fwd"'],
      ["orders-eu-18", 'DROP PUBLICATION "switchyard_back"'],
    ]],
    ["triggers", "Drop the fence triggers", 10000, null, ["orders", "order_lines", "invoices", "customers", "sessions", "blobs"].map(
      (t): [string, string] => ["orders-eu-18", `DROP TRIGGER switchyard_fence ON "public"."${t}"`],
    )],
    ["schema", "Drop our schema on both sides", 10000, null, [
      ["orders-eu", 'DROP SCHEMA "switchyard" CASCADE'],
      ["orders-eu-18", 'DROP SCHEMA "switchyard" CASCADE'],
    ]],
  ]),
};

type Repair = Extract<Command, { command: "repair" }>;

/** Each statement holds only for a row that is still what was seen. */
function repair({ table, findings }: Repair, authority: Side): PreviewStep[] {
  const at = authority === "source" ? "orders-eu-18" : "orders-eu";
  const name = `"${table?.schema ?? "public"}"."${table?.name ?? "invoices"}"`;
  const rows = Array.from({ length: Math.max(3, findings.length) }, (_, i) => 40_118_552 + i * 13);
  return steps([
    ["repair_rows", "Mend rows that differ", 60_000, null, rows.map((id): [string, string] => [
      at,
      `UPDATE ${name} AS t SET "total" = '${(id % 900) + 0.5}' WHERE "id" = ${id} AND hash_record_extended(t.*, 0) = ${id * 7_919}`,
    ])],
  ]);
}

export function planOf(command: Command, reads: number, authority: Side, epoch: number): PreviewStep[] {
  if (command.command === "repair") return repair(command, authority);
  if (command.command === "shift_reads") return shift(reads, command.percent);
  if (command.command === "switch_writes") return writeSwitch("source", epoch + 1);
  if (command.command === "roll_back") return authority === "target" ? writeSwitch("target", epoch + 1) : shift(reads, 0);
  return OTHERS[command.command] ?? [];
}

export function titleOf(command: Command, authority: Side): string {
  switch (command.command) {
    case "analyze":
      return "Analyze both sides";
    case "prepare":
      return "Prepare the target";
    case "hold":
      return "Hold writes on the source";
    case "release":
      return "Release writes";
    case "replicate":
      return "Start replication";
    case "validate":
      return "Validate every table";
    case "repair":
      return `Repair ${command.findings.length || "all"} differing rows${command.table === null ? "" : ` of ${command.table.schema}.${command.table.name}`}`;
    case "shift_reads":
      return `Shift to ${command.percent} %`;
    case "switch_writes":
      return "Switch writes to the target";
    case "roll_back":
      return authority === "target" ? "Roll back: writes and reads return to the source" : "Roll back: reads return to the source";
    case "cleanup":
      return "Clean up: everything of ours is removed from both sides";
  }
}
