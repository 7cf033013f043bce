import { mount } from "svelte";
import { connect } from "./lib/backend";
import { App } from "./lib/shell/app.svelte";
import Shell from "./lib/shell/Shell.svelte";
import "./styles/tokens.css";
import "./styles/base.css";

async function start(): Promise<void> {
  const told = new URLSearchParams(location.search).get("theme");
  if (told === "dark" || told === "light") document.documentElement.dataset["theme"] = told;
  const app = new App(await connect());
  const target = document.getElementById("app");
  if (target !== null) mount(Shell, { target, props: { app } });
}

void start();
