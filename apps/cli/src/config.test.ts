import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readConfig } from "./config.ts";

function homeWith(files: Readonly<Record<string, string>>): string {
  const home = mkdtempSync(join(tmpdir(), "tidemark-cli-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  return home;
}

it("finds address and token of the control plane on this machine", () => {
  const config = readConfig({ TIDEMARK_HOME: homeWith({ url: "http://127.0.0.1:7444\n", "admin-token": "tmk_x\n" }) });
  expect([config.url, config.token?.reveal()]).toEqual(["http://127.0.0.1:7444", "tmk_x"]);
});

it("prefers what the environment says", () => {
  const TIDEMARK_HOME = homeWith({ url: "http://127.0.0.1:7444", "admin-token": "tmk_x" });
  const config = readConfig({ TIDEMARK_HOME, TIDEMARK_URL: "https://backups.example.com/", TIDEMARK_TOKEN: "tmk_y" });
  expect([config.url, config.token?.reveal()]).toEqual(["https://backups.example.com", "tmk_y"]);
});

it("has no token where none was left, and prints none where there is one", () => {
  expect(readConfig({ TIDEMARK_HOME: homeWith({}) }).token).toBeNull();
  const config = readConfig({ TIDEMARK_HOME: homeWith({}), TIDEMARK_TOKEN: "tmk_secret" });
  expect(JSON.stringify(config)).not.toContain("tmk_secret");
});

it("refuses an address that is none", () => {
  expect(() => readConfig({ TIDEMARK_URL: "backups.example.com" })).toThrow(/TIDEMARK_URL/);
});
