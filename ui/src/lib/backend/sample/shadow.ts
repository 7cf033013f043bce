import type { ShadowReport } from "../../api/generated/ShadowReport";
import type { ShadowView } from "../../api/generated/ShadowView";

const REPORT: ShadowReport = {
  seen: 4210,
  compared: 2874,
  equal: 2860,
  in_flight: 9,
  moving: 0,
  of_the_time: 2,
  told: 1,
  differing: 2,
  not_again: 0,
  unproven: 0,
  pending: 0,
  beyond_share: 0,
  beyond_rate: 311,
  skipped: [{ why: "not_a_read", sentence: "It writes, locks, or is no query.", times: 1024 }],
  findings: [
    {
      statement: "5d0c41e2a7b90f36",
      text: "select name from customers order by name limit $1",
      example: "SELECT name FROM customers ORDER BY name LIMIT 3",
      parameters: [],
      class: "collation",
      is_finding: true,
      why: "It compares by “name”: ICU “en-US” 153.14 on the source, byte order on the target.",
      state: null,
      times: 2,
      columns: ["name"],
      source: [["anders"]],
      target: [["Zoe"]],
    },
    {
      statement: "91f3a0bb62d4c758",
      text: "select id from carts",
      example: "SELECT id FROM carts",
      parameters: [],
      class: "order",
      is_finding: false,
      why: "The same rows in another order; the statement asks for none.",
      state: null,
      times: 1,
      columns: ["id"],
      source: [],
      target: [],
    },
  ],
  statements: 41,
  covered: 38,
  never: [{ statement: "0b77ce5519aa4e20", text: "select * from open_orders", seen: 87, why: "It reads something else than plain tables: a view, a foreign table, or one with row security." }],
  others: 0,
  troubles: [],
};

/** Invented shadow reads: nothing before they are asked for. */
export class SampleShadow {
  #begun: number | null = null;
  #ended: number | null = null;

  view(): ShadowView {
    const run = this.#begun === null ? null : { begun: this.#begun, ended: this.#ended, report: REPORT, notes: ["Statements come from the source's log, as it grows."] };
    return { source: "orders-eu", target: "orders-eu-18", run, last: null };
  }

  start(): ShadowView {
    [this.#begun, this.#ended] = [Date.now(), null];
    return this.view();
  }

  stop(): Record<string, never> {
    this.#ended = Date.now();
    return {};
  }
}
