import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { ApiFault } from "../src/lib/backend/backend";
import { schemaView } from "../src/lib/backend/sample/schema";
import { SampleBackend } from "../src/lib/backend/sample/backend";
import { Differences } from "../src/lib/schema/differences.svelte";
import AcceptDialog from "../src/lib/schema/AcceptDialog.svelte";
import SchemaPage from "../src/lib/schema/SchemaPage.svelte";
import { App, appContext } from "../src/lib/shell/app.svelte";

function page(scenario: string) {
  const backend = new SampleBackend(scenario);
  render(SchemaPage, { props: { data: backend.world.cockpit() }, context: appContext(new App(backend)) });
  return backend;
}

describe("differences of the schemas", () => {
  it("are listed with their severity, and one opens with its reason and its SQL", async () => {
    page("differs");
    const first = await screen.findByTestId("difference-0");
    expect(first.textContent, "severity in words, not in colour alone").toContain("blocks");
    expect(first.textContent).toContain("public.invoices.total");
    await fireEvent.click(first);
    expect(screen.getByTestId("difference-detail").textContent, "why").toContain("refused on the target");
    expect(screen.getByTestId("difference-sql").textContent, "what mends it").toContain("ALTER TABLE");
  });

  it("are filtered as one types, and by severity", async () => {
    page("differs");
    await screen.findByTestId("difference-0");
    await fireEvent.input(screen.getByTestId("schema-filter"), { target: { value: "IDX" } });
    await waitFor(() => expect(screen.queryByTestId("difference-1"), "only the index is left").toBeNull());
    expect(screen.getByTestId("difference-0").textContent).toContain("orders_customer_idx");
    await fireEvent.input(screen.getByTestId("schema-filter"), { target: { value: "" } });
    await fireEvent.click(screen.getByTestId("severity-cosmetic"));
    await waitFor(() => expect(screen.getByTestId("difference-0").textContent).toContain("cosmetic"));
    expect(screen.getByTestId<HTMLButtonElement>("severity-data").disabled, "there is none of these").toBe(true);
  });

  it("stay while the cockpit is told anew", async () => {
    const backend = new SampleBackend("differs");
    const { rerender } = render(SchemaPage, { props: { data: backend.world.cockpit() }, context: appContext(new App(backend)) });
    await screen.findByTestId("difference-0");
    await rerender({ data: backend.world.cockpit() });
    expect(screen.queryByTestId("difference-0"), "they are read when somebody asks, not each second").not.toBeNull();
  });

  it("of a whole schema draw only what is in sight", async () => {
    page("fresh");
    await screen.findByTestId("difference-0");
    const drawn = screen.getAllByRole("option");
    expect(drawn.length, "of 1 500").toBeLessThan(60);
    expect(drawn[0]?.getAttribute("aria-setsize"), "and say how many there are").toBe("1500");
  });

  it("that cannot be read again stay, with the reason", async () => {
    const backend = new SampleBackend("differs");
    const differences = new Differences(backend, "m");
    await differences.look();
    const seen = differences.view;
    expect(seen?.differences.length).toBe(schemaView(5).differences.length);
    backend.call = () => Promise.reject(new ApiFault({ code: "unreachable", message: "b does not answer.", remedy: "Look at it." }));
    await differences.look();
    expect(differences.view, "what was seen before").toBe(seen);
    expect(differences.fault?.message).toBe("b does not answer.");
    expect(differences.looking).toBe(false);
  });
});

describe("a difference that may stay", () => {
  const first = schemaView(5).differences[0]!;

  it("is shown with who said so and why, and one about nothing is told", async () => {
    page("differs_back");
    const accepted = await screen.findByTestId("accepted-0");
    expect(accepted.textContent).toContain("nobody misses it");
    expect(accepted.textContent).toContain("Ann Ortiz");
    expect(screen.getByTestId("idle-0").textContent).toContain("no such difference now");
    expect(screen.queryByText("cosmetic 1"), "it is counted no more").toBeNull();
    await fireEvent.click(screen.getByTestId("take-back-0"));
    await waitFor(() => expect(screen.getByTestId("severity-cosmetic").textContent, "it is a difference again").toContain("1"));
  });

  it("is accepted by a dialog that wants a name and a reason", async () => {
    const backend = new SampleBackend("differs");
    const app = new App(backend);
    render(SchemaPage, { props: { data: backend.world.cockpit() }, context: appContext(app) });
    await fireEvent.click(await screen.findByTestId("difference-0"));
    await fireEvent.click(screen.getByTestId("accept-open"));
    const dialog = app.dialog;
    expect(dialog?.kind).toBe("accept");
    if (dialog?.kind !== "accept") return;
    const { unmount } = render(AcceptDialog, { props: { object: dialog.object, send: dialog.send, onclose: () => unmount() } });
    expect(screen.getByTestId<HTMLButtonElement>("accept-confirm").disabled, "nothing was said").toBe(true);
    await fireEvent.input(screen.getByTestId("accept-name"), { target: { value: "Ann" } });
    await fireEvent.input(screen.getByTestId("accept-reason"), { target: { value: "never above 10 digits" } });
    await fireEvent.click(screen.getByTestId("accept-confirm"));
    expect((await screen.findByTestId("accepted-0")).textContent).toContain("never above 10 digits");
  });

  it("that the engine refuses stays one, and the dialog says why", async () => {
    const backend = new SampleBackend("differs");
    const differences = new Differences(backend, "m");
    await differences.look();
    const call = backend.call.bind(backend);
    backend.call = (name, args) => (name === "accept_difference" ? Promise.reject(new ApiFault({ code: "store", message: "The disk is full.", remedy: "Free some." })) : call(name, args));
    await expect(differences.accept(first, "Ann", "why not"), "thrown to the dialog").rejects.toThrow("The disk is full.");
    expect(differences.view?.accepted).toEqual([]);
  });
});
