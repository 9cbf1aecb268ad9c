import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./child.mjs";

/** All workspaces in the order of their arrows: what a later one generates may need an earlier one's. */
export function workspaces() {
  const folders = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, parent, entry.name, "package.json")))
      .map((entry) => `${parent}/${entry.name}`),
  );
  const all = [...folders, "bench", "e2e"].map((folder) => ({
    folder,
    room: folder.split("/").at(-1),
    manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")),
  }));
  return all.sort((a, b) => rank(a.room) - rank(b.room));
}

const order = ["kit", "metadata", "api", "api-schema", "web"];

function rank(room) {
  const at = order.indexOf(room);
  return at === -1 ? order.length : at;
}
