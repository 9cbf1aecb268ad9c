import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describeError } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { readSettings } from "@tidemark/kit/settings";
import { type Metadata, openMetadata } from "@tidemark/metadata";
import { hashPassword } from "better-auth/crypto";
import { hashToken, makeTokenText } from "./auth/api-token.ts";
import { databaseSetting } from "./config.ts";

export interface EnsuredAdmin {
  readonly username: string;
  /** The one-time password when the account was made or reset just now, else null: it is stored only as a hash. */
  readonly password: string | null;
}

/** Makes the first account, `admin`, unless there is one. Its password must be changed by the page's first visitor. */
export async function ensureAdmin(metadata: Metadata, password?: string): Promise<EnsuredAdmin> {
  const existing = await metadata.users.findByUsername(adminName);
  if (existing !== null) return { username: adminName, password: null };
  const chosen = password ?? makePassword();
  const hash = await hashPassword(chosen);
  const id = randomBytes(16).toString("hex");
  const account = { id: randomBytes(16).toString("hex"), accountId: id, providerId: "credential", password: hash };
  await metadata.authClient.user.create({
    data: {
      id,
      name: adminName,
      username: adminName,
      displayUsername: adminName,
      // better-auth wants one that is unique; nothing is ever sent to it (RFC 2606 reserves the name).
      email: "admin@tidemark.invalid",
      mustChangePassword: true,
      accounts: { create: account },
    },
    select: { id: true },
  });
  await auditReset(metadata, id, "createAdmin");
  return { username: adminName, password: chosen };
}

/** A new one-time password for `admin`, for who lost theirs and has the machine. Ends every session. */
export async function resetAdminPassword(metadata: Metadata, password?: string): Promise<EnsuredAdmin> {
  const admin = await metadata.users.findByUsername(adminName);
  if (admin === null) return await ensureAdmin(metadata, password);
  const chosen = password ?? makePassword();
  const hash = await hashPassword(chosen);
  await metadata.authClient.$transaction([
    metadata.authClient.account.updateMany({
      where: { userId: admin.id, providerId: "credential" },
      data: { password: hash },
    }),
    metadata.authClient.user.updateMany({ where: { id: admin.id }, data: { mustChangePassword: true } }),
    metadata.authClient.session.deleteMany({ where: { userId: admin.id } }),
  ]);
  await auditReset(metadata, admin.id, "resetAdminPassword");
  return { username: adminName, password: chosen };
}

/**
 * Sees to it that the file holds a working token with full access, for the command on the same machine (mode 0600). One
 * that works is left alone; otherwise a new token is made and the old ones of this name are revoked.
 */
export async function ensureLocalToken(metadata: Metadata, path: string): Promise<void> {
  const before = existsSync(path)
    ? await metadata.tokens.findByHash(hashToken(readFileSync(path, "utf8").trim()))
    : null;
  if (before !== null && before.revokedAt === null && before.expiresAt === null && before.access === "full") return;
  const made = makeTokenText();
  const { rows } = await metadata.tokens.list({ first: 100 });
  const token = await metadata.tokens.create({
    name: localTokenName,
    prefix: made.prefix,
    hash: made.hash,
    access: "full",
    createdBy: "tidemark",
    expiresAt: null,
  });
  const half = `${path}.new`;
  rmSync(half, { force: true });
  writeFileSync(half, `${made.text}\n`, { mode: 0o600, flag: "wx" });
  renameSync(half, path);
  const old = rows.filter(
    (row) => row.name === localTokenName && row.createdBy === "tidemark" && row.revokedAt === null,
  );
  for (const row of old) await metadata.tokens.revoke(row.id);
  await metadata.audit.append({
    actor: "tidemark",
    action: "createApiToken",
    targetKind: "token",
    targetId: token.id,
    detail: { name: localTokenName, prefix: made.prefix },
    outcome: "ok",
  });
}

async function auditReset(metadata: Metadata, userId: string, action: string): Promise<void> {
  await metadata.audit.append({ actor: "tidemark", action, targetKind: "user", targetId: userId, outcome: "ok" });
}

/** 24 characters that cannot be confused with one another, in groups: 114 bits. */
function makePassword(): string {
  const group = () => Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join("");
  return [group(), group(), group(), group()].join("-");
}

const letters = "abcdefghjkmnpqrstuvwxyz2346789";
const adminName = "admin";
const localTokenName = "this machine's command";

/**
 * `node apps/api/src/ensure-admin.ts [--token-file PATH] [--reset-password]` prints one line of JSON:
 * `{"username":"admin","password":"…"|null}`.
 */
async function main(args: readonly string[]): Promise<void> {
  const { values } = readSettings({ DATABASE_URL: databaseSetting }, process.env);
  const logger = createLogger({ name: "ensure-admin", level: "warn" });
  const metadata = openMetadata({ url: values.DATABASE_URL, logger, poolSize: 2 });
  try {
    const reset = args.includes("--reset-password");
    const admin = reset ? await resetAdminPassword(metadata) : await ensureAdmin(metadata);
    const tokenFile = args[args.indexOf("--token-file") + 1];
    if (args.includes("--token-file") && tokenFile !== undefined) await ensureLocalToken(metadata, tokenFile);
    process.stdout.write(`${JSON.stringify(admin)}\n`);
  } finally {
    await metadata.close();
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${JSON.stringify(describeError(error))}\n`);
    process.exitCode = 1;
  }
}
