import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, it } from "vitest";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import EndpointsPage from "../src/lib/endpoints/EndpointsPage.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";

function page(scenario: string) {
  const backend = new SampleBackend(scenario);
  render(EndpointsPage, { context: appContext(new App(backend)) });
  return backend;
}
const value = (id: string) => screen.getByTestId<HTMLInputElement>(id).value;
const type = (id: string, text: string) => fireEvent.input(screen.getByTestId(id), { target: { value: text } });

it("a pasted URL fills the form and leaves no password to be read", async () => {
  page("empty");
  await type("endpoint-url", "postgres://ann:s%40cret@db.example:6543/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem");
  await waitFor(() => expect(value("endpoint-host"), "host").toBe("db.example"));
  expect(value("endpoint-port"), "port").toBe("6543");
  expect(value("endpoint-database"), "database").toBe("shop");
  expect(value("endpoint-user"), "user").toBe("ann");
  expect(value("endpoint-tls"), "TLS mode").toBe("verify-full");
  expect(value("endpoint-ca-file"), "CA file").toBe("/etc/ca.pem");
  expect(value("endpoint-password"), "password, decoded").toBe("s@cret");
  expect(screen.getByTestId<HTMLInputElement>("endpoint-password").type, "but hidden").toBe("password");
  expect(value("endpoint-url"), "the URL with the password in it is gone from the screen").toBe("");
});

it("a name that was typed survives the URL", async () => {
  page("empty");
  await type("endpoint-name", "orders-eu");
  await type("endpoint-url", "postgres://ann@db.example/shop");
  await waitFor(() => expect(value("endpoint-host"), "the URL was read").toBe("db.example"));
  expect(value("endpoint-name"), "the operator's own name stays").toBe("orders-eu");
});

it("a URL that cannot be read is explained and changes nothing", async () => {
  page("empty");
  await type("endpoint-host", "kept");
  await type("endpoint-url", "postgres://ann@db.example/");
  const fault = await screen.findByTestId("endpoint-fault");
  expect(fault.textContent, "what is wrong").toContain("names no database");
  expect(fault.textContent, "and what to do").toContain("Write it as postgres://");
  expect(value("endpoint-host"), "fields stay as they were").toBe("kept");
});

it("Test says what is wrong and what to do", async () => {
  page("busy");
  await fireEvent.click(await screen.findByTestId("endpoint-row-orders-eu"));
  await type("endpoint-password", "wrong");
  await fireEvent.click(screen.getByTestId("endpoint-test"));
  const result = await screen.findByTestId("endpoint-test-result");
  expect(result.dataset["ok"], "it cannot be used").toBe("false");
  expect(result.textContent, "the sentence").toContain("refused the password of switchyard");
  expect(result.textContent, "the remedy").toContain("pg_hba.conf");
});

it("Save is closed until the fields that are needed are there", async () => {
  const backend = page("empty");
  const save = screen.getByTestId<HTMLButtonElement>("endpoint-save");
  expect(save.disabled, "an empty form cannot be saved").toBe(true);
  for (const [id, text] of [["name", "a"], ["host", "h"], ["database", "d"], ["user", "u"]] as const) await type(`endpoint-${id}`, text);
  expect(save.disabled, "now it can").toBe(false);
  await type("endpoint-port", "70000");
  expect(save.disabled, "a port has an upper end").toBe(true);
  await type("endpoint-port", "5432");
  await fireEvent.click(save);
  await screen.findByTestId("endpoint-saved");
  expect(backend.rows.map((r) => r.endpoint.name), "it is in the store").toEqual(["a"]);
});

it("an endpoint in use cannot be deleted, and says by what it is used", async () => {
  page("busy");
  await fireEvent.click(await screen.findByTestId("endpoint-row-orders-eu"));
  const button = screen.getByTestId<HTMLButtonElement>("endpoint-delete");
  expect(button.disabled, "used endpoints stay").toBe(true);
  expect(button.title, "with the reason").toContain("orders-eu-to-18");
});

it("a missing password is shown in the list", async () => {
  page("busy");
  const row = await screen.findByTestId("endpoint-row-audit-replica");
  expect(row.textContent, "the reader must not find out at 2 a.m.").toContain("password missing");
});
