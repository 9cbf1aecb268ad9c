import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { testServer } from "@tidemark/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { SqlSession } from "../session/sql-session.ts";
import { saslprep } from "./saslprep.ts";

/** What each is for: mapping, NFKC, a character younger than Unicode 3.2, both directions, what is prohibited. */
const corners = [
  "p\u00E4ss w\u00F6rd",
  "a\u0308\uFB01\u00A0\u00ADx\u3000",
  "\uFB01\u{1F600}",
  "\uFB01\u{1D6A4}",
  "\uFB01\u32FF",
  "\uFB01\u05D0",
  "\u05D0\uFB01",
  "\u05D0\uFEFB\u05D1",
  "\u05D01\uFEFB",
  "\u05D0\uFEFB1",
  "\uFB01\u200E",
  "\uFB01\u0007",
  "\uFB01\uE000",
  "\uFB01\uFDD0",
  "\uFB01\u0340",
  "\u00AD",
  "\u200B\uFB01",
  "\u2060\uFB01\u034F",
  "\u212B\u2126",
];

it("prepares any password as the server does", async () => {
  await using server = await testServer({ major: 18, settings: { scram_iterations: 1 } });
  const pieces = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
    fc.constantFrom(...corners.join("").split(/(?:)/u)),
  );
  const any = fc
    .array(pieces, { minLength: 1, maxLength: 4 })
    .map((list) => list.join(""))
    .filter((text) => text.isWellFormed() && !text.includes("\0"));
  const passwords = [...corners, ...fc.sample(any, 500)];
  const client = await server.client();
  for (const password of passwords) {
    await client.query(`ALTER ROLE postgres PASSWORD ${client.escapeLiteral(password)}`);
    const { rows } = await client.query<{ verifier: string }>(
      "SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = 'postgres'",
    );
    const [, salt = "", storedKey] = /^SCRAM-SHA-256\$1:([^$]+)\$([^:]+):/.exec(rows[0]?.verifier ?? "") ?? [];
    const salted = pbkdf2Sync(saslprep(password), Buffer.from(salt, "base64"), 1, 32, "sha256");
    const clientKey = createHmac("sha256", salted).update("Client Key").digest();
    const ours = createHash("sha256").update(clientKey).digest("base64");
    expect([JSON.stringify(password), ours]).toEqual([JSON.stringify(password), storedKey]);
  }
  await client.query(`ALTER ROLE postgres PASSWORD ${client.escapeLiteral("\uFB01\u{1F600}")}`);
  await client.end();
  const session = await SqlSession.connect(parseDsn(server.dsn({ password: "\uFB01\u{1F600}" })));
  await session.close();
});
