import { render } from "preact";
import "./theme.ts";
import { App } from "./app.tsx";
import { prepareSound } from "./sound.ts";
import { watchUnseen } from "./state/looked-at.ts";
import { loadSession } from "./state/session.ts";

const root = document.querySelector("#app");
if (root) render(<App />, root);
prepareSound();
watchUnseen();
void loadSession();
