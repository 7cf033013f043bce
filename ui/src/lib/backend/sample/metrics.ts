import type { MetricForm } from "../../api/generated/MetricForm";
import type { MetricRow } from "../../api/generated/MetricRow";
import type { MetricsView } from "../../api/generated/MetricsView";
import { ApiFault } from "../backend";

function row(form: Partial<MetricForm> & { name: string; query: string; limit: number; unit: string }, more: Partial<MetricRow>): MetricRow {
  return {
    name: form.name,
    url: form.url ?? "https://prometheus.example:9090",
    query: form.query,
    bound: form.bound ?? "above",
    limit: form.limit,
    for_s: form.for_s ?? 600,
    unit: form.unit,
    login: form.secret != null ? "token in the keyring" : "no login",
    by: "ann@laptop (4711)",
    set_at: Date.now() - 86_400_000,
    stands: "within",
    value: null,
    said: "",
    remedy: null,
    at: Date.now() - 2_000,
    sample_age_ms: 9_000,
    series: 1,
    within_since: null,
    opens_at: null,
    ...more,
  };
}

/** Invented metrics of an application: one of each kind of answer. */
export class SampleMetrics {
  rows: MetricRow[];

  constructor(some: boolean) {
    if (!some) {
      this.rows = [];
      return;
    }
    this.rows = [
      row({ name: "checkout p95", query: "histogram_quantile(0.95, sum by (le) (rate(checkout_seconds_bucket[5m]))) * 1000", limit: 250, unit: "ms" }, { value: 182, said: "checkout p95 182 ms, limit 250 ms, held 12 min" }),
      row({ name: "errors", query: "100 * sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m]))", limit: 1, unit: "%" }, { stands: "unknown", said: "the query gives NaN, which is no number", remedy: "A share of nothing is 0 ÷ 0: it is known again once there is traffic.", series: null, sample_age_ms: null }),
    ];
  }

  view(): MetricsView {
    return { metrics: this.rows, counts_ms: 15_000 };
  }

  tried(form: MetricForm): MetricRow {
    if (!form.url.startsWith("http")) throw new ApiFault({ code: "invalid", message: "The address begins with https:// or http://, as in https://prometheus:9090.", remedy: "Correct the input." });
    return row(form, { by: null, set_at: null, value: 312, stands: form.limit < 312 ? "wrong" : "within", said: `${form.name} 312 ${form.unit}, limit ${form.limit} ${form.unit}` });
  }

  set(form: MetricForm): MetricRow {
    const kept = row(form, { stands: "unknown", said: "it was not read yet", remedy: "Wait some seconds; it is read while somebody drives.", at: null, sample_age_ms: null, series: null });
    this.rows = [...this.rows.filter((r) => r.name !== form.name), kept];
    return kept;
  }

  remove(name: string): void {
    this.rows = this.rows.filter((r) => r.name !== name);
  }
}
