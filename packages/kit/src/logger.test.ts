import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";
import { maskSecrets } from "./mask-secrets.ts";
import { Secret } from "./secret.ts";

function logged(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(
    createLogger({ name: "test", level: "debug", destination: { write: (line: string) => void lines.push(line) } }),
  );
  return JSON.parse(lines.join("")) as Record<string, unknown>;
}

describe("logger", () => {
  it("writes one JSON line with time, name and fields", () => {
    const line = logged((logger) => logger.info({ runId: "run_1" }, "started"));
    expect(line).toMatchObject({ name: "test", runId: "run_1", msg: "started", level: 30 });
    expect(String(line.time)).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it("masks secrets in fields, nested fields, texts and errors", () => {
    const dsn = "postgresql://backup:geheim@db/x";
    for (const line of [
      logged((logger) => logger.info({ password: "geheim" }, "x")),
      logged((logger) => logger.info({ server: { dsn } }, "x")),
      logged((logger) => logger.info({ headers: { in: { authorization: "geheim" } } }, "x")),
      logged((logger) => logger.info(`connecting to ${dsn}`)),
      logged((logger) => logger.error({ err: new Error(`no route to ${dsn}`) }, "x")),
      logged((logger) => logger.info({ held: new Secret("geheim") }, "x")),
    ]) {
      expect(JSON.stringify(line)).not.toContain("geheim");
      expect(JSON.stringify(line)).toContain("[secret]");
    }
  });
});

describe("maskSecrets", () => {
  it.each([
    ["postgresql://u:p%40ss@host/db", "postgresql://u:[secret]@host/db"],
    ["host=db password='it''s a \\' secret' user=u", "password="],
    ["host=db password = plain user=u", "host=db password=[secret] user=u"],
    ["url?user=u&password=plain&x=1", "url?user=u&password=[secret]&x=1"],
    ["PGPASSWORD=plain pg_receivewal -D x", "PGPASSWORD=[secret] pg_receivewal -D x"],
    ["AWS_SECRET_ACCESS_KEY='plain' aws s3 cp %p s3://b/%f", "AWS_SECRET_ACCESS_KEY=[secret] aws s3 cp %p s3://b/%f"],
    ["pgbackrest --repo1-cipher-pass=plain archive-push %p", "--repo1-cipher-pass=[secret] archive-push %p"],
    ["password_encryption = 'scram-sha-256'", "password_encryption = 'scram-sha-256'"],
    ["Bearer tmk_AbC-123_x", "Bearer tmk_[secret]"],
    ["set by token:tmk_wAigX8vg just now", "set by token:tmk_wAigX8vg just now"],
    ["postgresql://user@host/db", "postgresql://user@host/db"],
  ])("%s", (text, expected) => {
    const masked = maskSecrets(text);
    expect(masked).toContain(expected);
    expect(masked).not.toMatch(/p%40ss|plain|it''s|AbC-123/);
  });
});
