import type { QuerySources } from "../api/generated/QuerySources";
import { Answer } from "../parts/answer.svelte";

/** Between the two readings that rates come from, seconds. */
const BETWEEN_S = 5;

/** Where the page's facts come from; read when somebody asks, since it takes two readings. */
export class Sources extends Answer<QuerySources> {
  read(): Promise<void> {
    return this.ask(async () => {
      this.view = await this.backend.call("queries_sources", { migration: this.migration, seconds: BETWEEN_S });
    });
  }
}
