import { fireEvent, render, screen } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import HoldButton from "../src/lib/rollback/HoldButton.svelte";
import { rollbackKey } from "../src/lib/rollback/key";

let stopKeys: () => void;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  stopKeys = rollbackKey.start();
});
afterEach(() => {
  stopKeys();
  vi.useRealTimers();
});

function show(disabled = false) {
  const done = vi.fn();
  render(HoldButton, { label: "Hold to roll back", disabled, ondone: done });
  return { done, button: screen.getByTestId("rollback-hold") };
}

function pass(ms: number) {
  vi.advanceTimersByTime(ms);
  flushSync();
}

describe("with the mouse", () => {
  it("acts after the full second and not a moment before", async () => {
    const { done, button } = show();
    await fireEvent.pointerDown(button, { button: 0 });
    pass(999);
    expect(done, "999 ms are not a second").not.toHaveBeenCalled();
    pass(1);
    expect(done, "the full second was held").toHaveBeenCalledTimes(1);
  });

  it("does nothing when let go early, and says so", async () => {
    const { done, button } = show();
    await fireEvent.pointerDown(button, { button: 0 });
    pass(900);
    await fireEvent.pointerUp(button);
    pass(5_000);
    expect(done, "an early release must never roll back").not.toHaveBeenCalled();
    expect(screen.getByTestId("hold-says").textContent, "the reader learns what was missing").toContain("Let go too early");
  });

  it("does not add two short presses up", async () => {
    const { done, button } = show();
    for (let i = 0; i < 3; i += 1) {
      await fireEvent.pointerDown(button, { button: 0 });
      pass(600);
      await fireEvent.pointerUp(button);
    }
    expect(done, "the second has to be without a break").not.toHaveBeenCalled();
  });

  it("stops when the pointer leaves the button", async () => {
    const { done, button } = show();
    await fireEvent.pointerDown(button, { button: 0 });
    pass(500);
    await fireEvent.pointerLeave(button);
    pass(2_000);
    expect(done, "sliding off is the way to change one's mind").not.toHaveBeenCalled();
  });

  it("ignores the click that ends an ordinary press", async () => {
    const { done, button } = show();
    await fireEvent.pointerDown(button, { button: 0 });
    pass(80);
    await fireEvent.pointerUp(button);
    await fireEvent.click(button);
    pass(1_500);
    await fireEvent.pointerDown(button, { button: 0 });
    pass(80);
    await fireEvent.pointerUp(button);
    await fireEvent.click(button);
    expect(done, "two clicks by hand are not the two presses of a reader's software").not.toHaveBeenCalled();
  });

  it("cannot be held while it is disabled", async () => {
    const { done, button } = show(true);
    await fireEvent.pointerDown(button, { button: 0 });
    pass(3_000);
    expect(done, "a closed rollback stays closed").not.toHaveBeenCalled();
  });
});

describe("with the keyboard", () => {
  it.each([" ", "Enter"])("holds with %j, repeats and all", async (key) => {
    const { done, button } = show();
    await fireEvent.keyDown(button, { key });
    pass(500);
    await fireEvent.keyDown(button, { key, repeat: true });
    pass(499);
    expect(done, "repeats do not make it shorter").not.toHaveBeenCalled();
    pass(1);
    expect(done, "nor longer").toHaveBeenCalledTimes(1);
  });

  it("stops when the key is let go", async () => {
    const { done, button } = show();
    await fireEvent.keyDown(button, { key: " " });
    pass(700);
    await fireEvent.keyUp(button, { key: " " });
    await fireEvent.click(button);
    pass(3_000);
    expect(done, "and the click that the key causes does not count either").not.toHaveBeenCalled();
  });

  const keys = { code: "KeyR", key: "R", ctrlKey: true, shiftKey: true };

  it("holds with Ctrl+Shift+R wherever the focus is", async () => {
    const { done } = show();
    await fireEvent.keyDown(window, keys);
    pass(1_000);
    expect(done, "a full second of the shortcut").toHaveBeenCalledTimes(1);
  });

  it("does not count the press that opened the dialog", async () => {
    await fireEvent.keyDown(window, keys);
    const { done } = show();
    // Some webviews repeat keydown without saying that it is a repeat.
    for (let i = 0; i < 40; i += 1) {
      await fireEvent.keyDown(window, keys);
      pass(50);
    }
    expect(done, "one long press must not open and confirm").not.toHaveBeenCalled();
    await fireEvent.keyUp(window, keys);
    await fireEvent.keyDown(window, keys);
    pass(1_000);
    expect(done, "a fresh press does").toHaveBeenCalledTimes(1);
  });

  it("stops when Shift is let go", async () => {
    const { done } = show();
    await fireEvent.keyDown(window, keys);
    pass(600);
    await fireEvent.keyUp(window, { key: "Shift", code: "ShiftLeft" });
    pass(1_000);
    expect(done, "all three keys have to be held").not.toHaveBeenCalled();
  });
});

describe("with a reader's software, which clicks without holding", () => {
  it("needs two presses, a second apart", async () => {
    const { done, button } = show();
    await fireEvent.click(button);
    expect(button.textContent, "the first press is announced").toContain("Press once more");
    pass(300);
    await fireEvent.click(button);
    expect(done, "a double click is not two decisions").not.toHaveBeenCalled();
    pass(800);
    await fireEvent.click(button);
    expect(done, "the second press after the second acts").toHaveBeenCalledTimes(1);
  });

  it("forgets the first press after 10 s", async () => {
    const { done, button } = show();
    await fireEvent.click(button);
    pass(10_001);
    await fireEvent.click(button);
    expect(done, "an old press must not lie in wait").not.toHaveBeenCalled();
  });
});
