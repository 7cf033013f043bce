import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // Relative addresses, so that one build serves the window's scheme and the board's path alike.
  base: "./",
  build: {
    target: "safari16",
    // The page's content security policy allows data: for the chart only; files stay files.
    assetsInlineLimit: 0,
  },
  server: { port: 1420, strictPort: true },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
    restoreMocks: true,
    // Styles are left out of tests, but for the file whose colours are checked.
    css: { include: [/tokens\.css/] },
  },
});
