import type { ApiError } from "../api/generated/ApiError";
import type { Endpoint } from "../api/generated/Endpoint";
import type { EndpointRow } from "../api/generated/EndpointRow";
import type { EndpointTest } from "../api/generated/EndpointTest";
import type { SaveEndpoint } from "../api/generated/SaveEndpoint";
import { toFault, type Backend } from "../backend/backend";

export function blankEndpoint(): Endpoint {
  return {
    name: "",
    host: "",
    port: 5432,
    database: "",
    user: "",
    tls: "prefer",
    ca_file: null,
    peer_address: null,
  };
}

export function isUrl(text: string): boolean {
  return /^\s*postgres(ql)?:\/\//i.test(text);
}

/** The form of one endpoint, new or known. */
export class EndpointForm {
  fields = $state<Endpoint>(blankEndpoint());
  password = $state("");
  url = $state("");
  /** Name under which it is stored; null for a new one. */
  storedAs = $state<string | null>(null);
  busy = $state<"test" | "save" | "delete" | null>(null);
  test = $state.raw<EndpointTest | null>(null);
  fault = $state.raw<ApiError | null>(null);
  saved = $state<string | null>(null);

  readonly complete = $derived(
    [this.fields.name, this.fields.host, this.fields.database, this.fields.user].every((v) => v.trim() !== "") &&
      this.fields.port >= 1 &&
      this.fields.port <= 65535,
  );
  readonly testable = $derived(
    [this.fields.host, this.fields.database, this.fields.user].every((v) => v.trim() !== ""),
  );

  constructor(readonly backend: Backend) {}

  show(row: EndpointRow | null): void {
    this.fields = row === null ? blankEndpoint() : { ...row.endpoint };
    this.storedAs = row?.endpoint.name ?? null;
    this.password = "";
    this.url = "";
    this.test = null;
    this.fault = null;
    this.saved = null;
  }

  /** Fills the form from a URL. The engine reads it: one parser, one set of rules. */
  async readUrl(url: string): Promise<void> {
    if (!isUrl(url)) return;
    this.fault = null;
    try {
      const read = await this.backend.call("endpoint_read_url", { url: url.trim() });
      const name = this.fields.name.trim() === "" ? read.endpoint.name : this.fields.name;
      this.fields = { ...read.endpoint, name };
      if (read.password !== null) this.password = read.password;
      // The URL held the password; it must not stay readable on the screen.
      this.url = "";
      this.test = null;
    } catch (thrown) {
      this.fault = toFault(thrown);
    }
  }

  #request(): SaveEndpoint {
    const f = $state.snapshot(this.fields);
    const orNull = (v: string | null) => (v === null || v.trim() === "" ? null : v.trim());
    return {
      endpoint: {
        ...f,
        name: f.name.trim(),
        host: f.host.trim(),
        database: f.database.trim(),
        user: f.user.trim(),
        ca_file: orNull(f.ca_file),
        peer_address: orNull(f.peer_address),
      },
      password: this.password === "" ? null : this.password,
      rename_from: this.storedAs !== null && this.storedAs !== f.name.trim() ? this.storedAs : null,
    };
  }

  async #busy<T>(what: "test" | "save" | "delete", act: () => Promise<T>): Promise<T | null> {
    if (this.busy !== null) return null;
    this.busy = what;
    this.fault = null;
    this.saved = null;
    try {
      return await act();
    } catch (thrown) {
      this.fault = toFault(thrown);
      return null;
    } finally {
      this.busy = null;
    }
  }

  async runTest(): Promise<void> {
    this.test = null;
    this.test = await this.#busy("test", () => this.backend.call("endpoint_test", this.#request()));
  }

  async save(): Promise<EndpointRow | null> {
    const row = await this.#busy("save", () => this.backend.call("endpoint_save", this.#request()));
    if (row !== null) {
      this.show(row);
      this.saved = row.endpoint.name;
    }
    return row;
  }

  async remove(): Promise<boolean> {
    const name = this.storedAs;
    if (name === null) return false;
    const gone = await this.#busy("delete", () => this.backend.call("endpoint_delete", { name }));
    if (gone === null) return false;
    this.show(null);
    return true;
  }
}
