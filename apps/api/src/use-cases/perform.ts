import { createHmac } from "node:crypto";
import { AppError, canonicalJson, type JsonValue, maskSecrets, toJsonValue } from "@tidemark/kit";
import type { NewRun, RequestKey, Run } from "@tidemark/metadata";
import type { Principal } from "../auth/principal.ts";
import { isPublicError } from "../errors/error-status.ts";

import type { Services } from "../services.ts";

/** Who asks for an act, and the key under which the same request asked twice is done once. */
export interface Caller {
  readonly principal: Principal;
  readonly idempotencyKey?: string | null | undefined;
}

export interface Act {
  /** The mutation's name; the audit's action. */
  readonly name: string;
  /** What was asked. Secrets in it are left out of the audit and keyed-hashed for idempotency. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly target?: ActTarget | undefined;
}

export interface ActTarget {
  readonly kind: string;
  readonly id: string | null;
}

export type JsonObject = { readonly [name: string]: JsonValue };

/** What an act answers: ids and plain values, so that it can be kept and given again. */
export type ActOutcome<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly error: AppError };

/** What the body of an act is given. */
export interface ActScope {
  readonly services: Services;
  readonly principal: Principal;
  /** Names what was made or changed, when it was not known before. */
  target(target: ActTarget): void;
  /** Writes the run's row together with its audit row, then rings the queue. Gives the first run when the key was used. */
  startRun(run: Omit<NewRun, "requestedBy" | "audit" | "idempotency">): Promise<Run>;
}

/**
 * Every mutation of every surface passes here: the caller must have full access; exactly one audit row is written,
 * denied and failed tries too; a key that was used is answered with what the first request was answered.
 * An error the caller can do something about is an outcome; a bug of ours is thrown.
 */
export async function perform<Answer extends JsonObject>(
  services: Services,
  caller: Caller,
  act: Act,
  body: (scope: ActScope) => Promise<Answer>,
): Promise<ActOutcome<Answer>> {
  const trail: Trail = { target: act.target ?? { kind: "instance", id: null }, audited: false };
  try {
    requireFullAccess(caller.principal);
    const key = requestKey(services, caller, act);
    const answer = await once(services, key, () => body(scopeOf(services, caller, act, trail, key)));
    if (!trail.audited) await audit(services, caller, act, trail.target, "ok");
    return { ok: true, answer };
  } catch (error) {
    const code = error instanceof AppError ? error.code : "internal";
    if (!trail.audited) await audit(services, caller, act, trail.target, code);
    if (isPublicError(error)) return { ok: false, error };
    throw error;
  }
}

interface Trail {
  target: ActTarget;
  audited: boolean;
}

function requireFullAccess(principal: Principal): void {
  if (principal.access === "full") return;
  throw new AppError("not-allowed", {
    message: `${principal.name} may look but not act`,
    hint: "use a token with full access; nothing was changed",
  });
}

function scopeOf(services: Services, caller: Caller, act: Act, trail: Trail, key: RequestKey | null): ActScope {
  return {
    services,
    principal: caller.principal,
    target(target) {
      trail.target = target;
    },
    async startRun(run) {
      const { run: created, outcome } = await services.metadata.runs.create({
        ...run,
        requestedBy: caller.principal.actor,
        audit: auditRow(caller, act, trail.target, "ok"),
        ...(key === null ? {} : { idempotency: runKey(key) }),
      });
      if (outcome === "created") trail.audited = true;
      ringLater(services, created);
      return created;
    },
  };
}

/**
 * Taken and answered in the run's own transaction: when the api dies after it and before the act's answer was kept, the
 * same request gets the run that is there and not a second one.
 */
function runKey(key: RequestKey): RequestKey {
  return { ...key, key: `${key.key} run` };
}

/** The row is the truth: a bell that cannot be rung now is rung by the reconciler, so nobody waits for it. */
function ringLater(services: Services, run: Run): void {
  services.bells
    .ring(run.id, run.kind)
    .then(() => services.metadata.runs.markRung([run.id]))
    .catch((error: unknown) =>
      services.logger.warn({ err: error, runId: run.id }, "the queue was not told; the reconciler will tell it"),
    );
}

async function once<Answer extends JsonObject>(
  services: Services,
  key: RequestKey | null,
  body: () => Promise<Answer>,
): Promise<Answer> {
  if (key === null) return await body();
  const { idempotency } = services.metadata;
  const begun = await idempotency.begin(key);
  if (begun.kind === "replay") return begun.response as Answer;
  try {
    const answer = await body();
    await idempotency.complete(key, answer);
    return answer;
  } catch (error) {
    await idempotency.abandon(key).catch((second: unknown) => {
      services.logger.warn({ err: second }, "an idempotency key stays taken until it expires");
    });
    throw error;
  }
}

function requestKey(services: Services, caller: Caller, act: Act): RequestKey | null {
  const key = caller.idempotencyKey;
  if (key === null || key === undefined) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new AppError("bad-request", {
      message: "an idempotency key has 1 to 200 visible ASCII characters",
      context: { field: "idempotencyKey" },
    });
  }
  // Keyed, because the input may hold a password that a plain hash would let somebody guess.
  const requestHash = createHmac("sha256", services.authSecret.reveal())
    .update(canonicalJson({ act: act.name, input: act.input }))
    .digest("hex");
  return { principal: caller.principal.actor, key, requestHash };
}

async function audit(services: Services, caller: Caller, act: Act, target: ActTarget, outcome: string): Promise<void> {
  await services.metadata.audit.append(auditRow(caller, act, target, outcome));
}

function auditRow(caller: Caller, act: Act, target: ActTarget, outcome: string) {
  return {
    actor: caller.principal.actor,
    action: act.name,
    targetKind: target.kind,
    targetId: target.id === null ? null : storableText(target.id),
    detail: withoutSecrets(act.input),
    outcome,
  };
}

function withoutSecrets(input: Readonly<Record<string, unknown>>): JsonValue {
  const shown = Object.entries(input).filter(([name, value]) => !secretInputs.has(name) && value !== undefined);
  return maskTexts(toJsonValue(Object.fromEntries(shown)));
}

/** Somebody pastes a connection string into the wrong field sooner or later, and audit rows stay for ever. */
function maskTexts(value: JsonValue): JsonValue {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(maskTexts);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, maskTexts(one)]));
}

/** PostgreSQL's text holds no NUL; a try that sends one is refused, and audited all the same. */
function storableText(text: string): string {
  return maskSecrets(text).replaceAll("\0", "\ufffd");
}

/** Input fields that may carry a password or a key. */
const secretInputs = new Set([
  "dsn",
  "keyText",
  "oldKeyText",
  "storeCredentials",
  "passphrase",
  "passphrases",
  "keyTexts",
  "idempotencyKey",
]);
