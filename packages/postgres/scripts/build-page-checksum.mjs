// Compiles src/files/page-checksum.wat into src/files/page-checksum-module.ts: node packages/postgres/scripts/build-page-checksum.mjs
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const files = new URL("../src/files/", import.meta.url);

/** The module as base64. */
export async function compile() {
  const source = readFileSync(new URL("page-checksum.wat", files), "utf8");
  const module = (await wabt()).parseWat("page-checksum.wat", source, { simd: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return Buffer.from(buffer).toString("base64");
}

/** What page-checksum-module.ts says. */
export function written(base64) {
  const lines = base64.match(/.{1,100}/g).map((line) => `  "${line}"`);
  return `/** page-checksum.wat, compiled by packages/postgres/scripts/build-page-checksum.mjs; a test compiles it anew. */
export const pageChecksumModule =
${lines.join(" +\n")};
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL("page-checksum-module.ts", files), written(await compile()));
}
