import type { DigestView } from "../api/generated/DigestView";
import { Answer } from "../parts/answer.svelte";

const MOST = 50;

/** A digest that pgBadger or pt-query-digest made; read when somebody asks. */
export class ImportedDigest extends Answer<DigestView> {
  /** Its file on the machine of the host. */
  file = $state("");

  async read(): Promise<void> {
    const file = this.file.trim();
    if (file === "") return;
    await this.ask(async () => {
      this.view = await this.backend.call("queries_import", { file, kind: null, limit: MOST, migration: this.migration });
    });
  }
}
