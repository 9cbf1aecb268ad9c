import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { AppError, Secret } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Authenticator, type LoginFacts, md5Answer } from "./authenticator.ts";
import { ScramClient } from "./scram.ts";

/** RFC 7677 §3, with an empty user name as PostgreSQL has it, so the proof differs from the printed one. */
const nonce = "rOprNGfwEbeRWgbNEkqO";
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;

/** The server's own arithmetic, written down independently of the client's. */
function serverSide(clientFinal: string, gs2: string, password: string): { isProved: boolean; final: string } {
  const salted = pbkdf2Sync(password, Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), 4096, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest();
  const withoutProof = clientFinal.slice(0, clientFinal.indexOf(",p="));
  const authMessage = `n=,r=${nonce},${serverFirst},${withoutProof}`;
  const signature = createHmac("sha256", storedKey).update(authMessage).digest();
  const proof = Buffer.from(clientFinal.slice(clientFinal.indexOf(",p=") + 3), "base64");
  const recovered = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)));
  const serverKey = createHmac("sha256", salted).update("Server Key").digest();
  const final = `v=${createHmac("sha256", serverKey).update(authMessage).digest("base64")}`;
  return { isProved: recovered.equals(clientKey) && withoutProof.startsWith(`c=${gs2}`), final };
}

describe("ScramClient", () => {
  it("proves the password and has the server prove it back", async () => {
    const client = new ScramClient("pencil", nonce, { kind: "none" });
    expect(Buffer.from(client.first()).toString()).toBe(`n,,n=,r=${nonce}`);
    const final = Buffer.from(await client.continue(Buffer.from(serverFirst))).toString();
    const server = serverSide(final, "biws", "pencil");
    expect(server.isProved).toBe(true);
    expect(() => client.finish(Buffer.from(server.final))).not.toThrow();
  });

  it("binds the login to the certificate's hash", async () => {
    const certificateHash = Buffer.alloc(32, 5);
    const client = new ScramClient("pencil", nonce, { kind: "server-end-point", certificateHash });
    expect(Buffer.from(client.first()).toString()).toMatch(/^p=tls-server-end-point,,n=,r=/);
    const final = Buffer.from(await client.continue(Buffer.from(serverFirst))).toString();
    const binding = Buffer.concat([Buffer.from("p=tls-server-end-point,,"), certificateHash]).toString("base64");
    expect(serverSide(final, binding, "pencil").isProved).toBe(true);
  });

  it("prepares the password as the server does: NFKC, blanks, soft hyphens", async () => {
    const client = new ScramClient("pen\u00ADc\u00A0\uFF49l", nonce, { kind: "none" });
    const final = Buffer.from(await client.continue(Buffer.from(serverFirst))).toString();
    expect(serverSide(final, "biws", "penc il").isProved).toBe(true);
  });

  it.each([
    ["a nonce that is not ours", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
    ["a nonce without its own part", `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ["no iterations", `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0`],
    ["nonsense", "hello"],
  ])("refuses %s", async (_, text) => {
    const client = new ScramClient("pencil", nonce, { kind: "none" });
    await expect(client.continue(Buffer.from(text))).rejects.toMatchObject({ code: "protocol-violation" });
  });

  it("refuses a server that does not know the password", async () => {
    const client = new ScramClient("pencil", nonce, { kind: "none" });
    await client.continue(Buffer.from(serverFirst));
    expect(() => client.finish(Buffer.from(`v=${Buffer.alloc(32).toString("base64")}`))).toThrow(/does not know/);
    expect(() => client.finish(Buffer.from("e=other-error"))).toThrow(/does not know/);
  });
});

describe("Authenticator", () => {
  const facts: LoginFacts = {
    user: "u",
    password: new Secret("p"),
    isPrivate: false,
    serverCertificate: null,
    channelBinding: "prefer",
    requireAuth: null,
  };
  const scramOffer = Buffer.from("SCRAM-SHA-256\0\0");

  it("answers md5 as libpq does", () => {
    expect(md5Answer("postgres", "secret", Buffer.from([1, 2, 3, 4]))).toBe(
      `md5${createHash("md5")
        .update(`${createHash("md5").update("secretpostgres").digest("hex")}\x01\x02\x03\x04`)
        .digest("hex")}`,
    );
  });

  it("gives a cleartext password only on a private channel", async () => {
    await expect(new Authenticator(facts).answer(3, new Uint8Array(0))).rejects.toMatchObject({
      code: "auth-method-unsupported",
    });
    const answer = await new Authenticator({ ...facts, isPrivate: true }).answer(3, new Uint8Array(0));
    expect(answer?.toString("latin1")).toBe("p\0\0\0\x06p\0");
  });

  it("does not believe a server that skips its proof", async () => {
    const authenticator = new Authenticator(facts);
    await authenticator.answer(10, scramOffer);
    await expect(authenticator.answer(0, new Uint8Array(0))).rejects.toMatchObject({ code: "protocol-violation" });
  });

  it("names a method it does not know, and a missing password", async () => {
    await expect(new Authenticator(facts).answer(7, new Uint8Array(0))).rejects.toThrow(/GSSAPI/);
    await expect(new Authenticator({ ...facts, password: null }).answer(10, scramOffer)).rejects.toMatchObject({
      code: "password-missing",
    });
  });

  it.each([
    [{ allow: true, methods: ["scram-sha-256"] }, 5],
    [{ allow: false, methods: ["md5"] }, 5],
    [{ allow: true, methods: ["scram-sha-256", "md5"] }, 0],
    [{ allow: false, methods: ["none"] }, 0],
  ] as const)("with require_auth %j refuses method %i before it says anything", async (requireAuth, method) => {
    const authenticator = new Authenticator({ ...facts, requireAuth });
    await expect(authenticator.answer(method, Buffer.alloc(4))).rejects.toMatchObject({
      code: "auth-method-unsupported",
    });
  });

  it.each([
    ["is let in", 0, Buffer.alloc(0)],
    ["is asked for md5", 5, Buffer.alloc(4)],
    ["is asked for a cleartext password", 3, Buffer.alloc(0)],
    ["is offered no binding", 10, scramOffer],
    ["is offered a binding without TLS", 10, Buffer.from("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")],
  ])("with channel_binding=require gives up when it %s", async (_what, method, payload) => {
    const authenticator = new Authenticator({ ...facts, isPrivate: true, channelBinding: "require" });
    await expect(authenticator.answer(method, payload)).rejects.toMatchObject({ code: "auth-method-unsupported" });
  });

  it("answers any server with a message or an error of ours, never lets one in that skips SCRAM, never tells the password", async () => {
    const offers = fc.constantFrom(
      "SCRAM-SHA-256\0\0",
      "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
      "X\0\0",
      serverFirst,
      "v=AAAA",
    );
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      offers.map((text) => new Uint8Array(Buffer.from(text))),
    );
    const request = fc.tuple(fc.constantFrom(0, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, -1), payload);
    const secret = "tide-goes-out";
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 8 }), fc.boolean(), async (requests, isPrivate) => {
        const requireAuth = { allow: true, methods: ["scram-sha-256"] } as const;
        const authenticator = new Authenticator({ ...facts, password: new Secret(secret), isPrivate, requireAuth });
        for (const [method, bytes] of requests) {
          const answer = await authenticator.answer(method, bytes).catch((error: unknown) => {
            expect(error).toBeInstanceOf(AppError);
            expect(JSON.stringify(error) + String(error)).not.toContain(secret);
            return null;
          });
          expect(answer?.includes(secret) ?? false).toBe(false);
        }
        await expect(authenticator.answer(0, new Uint8Array(0))).rejects.toBeInstanceOf(AppError);
      }),
      { numRuns: 100 },
    );
  });
});

describe("any server's SCRAM messages", () => {
  it("are answered or refused as a violation, and never believed", async () => {
    const first = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .tuple(fc.nat({ max: serverFirst.length - 1 }), fc.string({ maxLength: 3 }))
        .map(([at, text]) => serverFirst.slice(0, at) + text + serverFirst.slice(at + 1)),
      fc.nat({ max: serverFirst.length }).map((at) => serverFirst.slice(0, at)),
    );
    await fc.assert(
      fc.asyncProperty(first, fc.string({ unit: "binary" }), async (text, final) => {
        // Iterations are time, not meaning: what asks for many is left out.
        fc.pre(!/i=\d{5,}/.test(text));
        const client = new ScramClient("pencil", nonce, { kind: "none" });
        await client.continue(Buffer.from(text)).catch((error: unknown) => {
          expect(error).toMatchObject({ code: "protocol-violation" });
        });
        expect(() => client.finish(Buffer.from(final))).toThrow(AppError);
      }),
      { numRuns: 100 },
    );
  });
});
