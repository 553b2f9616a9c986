// The entry: registers the elements, reads view and language from the address, listens for the few keys.
import { NhipCartogram } from "./elements/cartogram.ts";
import { NhipExplain } from "./elements/explain.ts";
import { NhipFooter } from "./elements/footer.ts";
import { NhipHeader } from "./elements/header.ts";
import { NhipReplay } from "./elements/replay.ts";
import { NhipRotation } from "./elements/rotation.ts";
import { NhipTile } from "./elements/tile.ts";
import { NhipWall } from "./elements/wall.ts";
import { Page } from "./page.ts";
import { press } from "./replay_keys.ts";

customElements.define("nhip-header", NhipHeader);
customElements.define("nhip-cartogram", NhipCartogram);
customElements.define("nhip-tile", NhipTile);
customElements.define("nhip-rotation", NhipRotation);
customElements.define("nhip-footer", NhipFooter);
customElements.define("nhip-explain", NhipExplain);
customElements.define("nhip-replay", NhipReplay);
customElements.define("nhip-wall", NhipWall);

const view = /^\/wall\/([^/]+)/.exec(location.pathname)?.[1] ?? "main";
const root = document.getElementById("page");
if (root) {
  const area = new URLSearchParams(location.search).get("area");
  const page = new Page(root, decodeURIComponent(view), area);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === "l") page.switchLanguage();
    else if (key === "r") page.link.reconnect();
    else if (page.replay && press(page.replay, key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-act=lang]")) page.switchLanguage();
  });
  page.start();
}
