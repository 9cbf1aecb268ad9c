import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDsn } from "@tidemark/postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveLocalDsn } from "./local-dsn.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "local-dsn-"));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

async function put(name: string, text: string, mode = 0o600): Promise<string> {
  await writeFile(join(home, name), text);
  await chmod(join(home, name), mode);
  return join(home, name);
}

const resolve = async (text: string, environment: Record<string, string> = {}) =>
  await resolveLocalDsn(text, { HOME: home, PGSYSCONFDIR: join(home, "etc"), ...environment });

/** user:password@host:port/database of what came out. */
async function login(text: string, environment: Record<string, string> = {}): Promise<string> {
  const { dsn } = await resolve(text, environment);
  const { user, password, hosts, database } = parseDsn(dsn);
  return `${user}:${password?.reveal() ?? ""}@${hosts.map(({ host, port }) => `${host}:${port}`).join(",")}/${database}`;
}

describe("a service", () => {
  const file =
    "# comment\n[other]\nhost=no\n\n[prod]\n  host=db.example.com\nport=5433\nuser=backup\npassword=it's\\ mine\nport=1\n[prod]\nuser=no\n";

  it("is read from ~/.pg_service.conf, and what is written in the string wins", async () => {
    await put(".pg_service.conf", file);
    expect(await login("service=prod")).toBe("backup:it's\\ mine@db.example.com:5433/postgres");
    expect(await login("postgresql:///app?service=prod&user=me")).toBe("me:it's\\ mine@db.example.com:5433/app");
  });

  it("is looked for in PGSERVICEFILE, servicefile, then PGSYSCONFDIR", async () => {
    const mine = await put("mine", "[prod]\nhost=mine\nuser=u\npassword=p\n");
    const named = await put("named", "[prod]\nhost=named\nuser=u\npassword=p\n");
    await put("pg_service.conf", "[machine]\nhost=machine\nuser=u\npassword=p\n");
    expect(await login("service=prod", { PGSERVICEFILE: mine })).toContain("@mine:");
    expect(await login(`service=prod servicefile=${named}`, { PGSERVICEFILE: mine })).toContain("@named:");
    expect(await login("service=machine", { PGSERVICEFILE: mine, PGSYSCONFDIR: home })).toContain("@machine:");
  });

  it.each([
    ["nowhere", "", 'the service "nowhere" is defined in none of'],
    ["prod", "[prod]\nhost\n", "line 2 of the service file"],
    ["prod", "[prod]\nservice=x\n", "names a service inside a service"],
    ["prod", "[prod]\nldap://x\n", "LDAP"],
    ["prod", "[prod]\nhost = x\nuser=u\n", '"host " is not a parameter'],
    ["prod", "[prod]\nhost=x\n", "no user is given"],
  ])("%s in %j is refused with the reason", async (service, text, why) => {
    await put(".pg_service.conf", text);
    await expect(resolve(`service=${service}`)).rejects.toMatchObject({
      code: "dsn-invalid",
      message: expect.stringContaining(why),
    });
  });

  it("keeps blanks beyond ASCII at the end of a value, as libpq does", async () => {
    await put(".pg_service.conf", "[prod]\nhost=h\nuser=u\npassword=\u00A0p\u3000 \r\n");
    expect(await login("service=prod")).toContain(":\u00A0p\u3000@");
  });

  it("must be in the file that was named", async () => {
    await expect(resolve("service=prod", { PGSERVICEFILE: join(home, "none") })).rejects.toThrow(/is not there/);
  });
});

describe("a password file", () => {
  it.each([
    ["the first line that matches", "a:5432:postgres:u:one\na:5432:postgres:u:two\n", "host=a user=u", "one"],
    ["wildcards", "*:*:*:u:any\n", "host=a port=7 dbname=x user=u", "any"],
    ["no partial matches", "ab:*:*:u:any\n", "host=a user=u", ""],
    ["another port", "a:5433:*:u:any\n", "host=a user=u", ""],
    [
      "escaped colons and backslashes",
      "a:*:d\\:b:u\\\\x:p\\:w\\\\d:ignored\n",
      "host=a dbname=d:b user=u\\\\x",
      "p:w\\d",
    ],
    ["an escaped star as a name", "\\*:*:*:u:any\n", "host=a user=u", ""],
    ["comments and Windows line ends", "#a:*:*:u:no\r\na:*:*:u:yes\r\n", "host=a user=u", "yes"],
    ["localhost for the default socket", "localhost:*:*:u:sock\n", "host=/var/run/postgresql user=u", "sock"],
    ["the folder of another socket", "/srv/pg:*:*:u:sock\n", "host=/srv/pg user=u", "sock"],
    ["the name, not hostaddr", "a:*:*:u:name\n", "host=a hostaddr=10.0.0.1 user=u", "name"],
    ["hostaddr where there is no name", "10.0.0.1:*:*:u:addr\n", "hostaddr=10.0.0.1 user=u", "addr"],
    ["the entry of replication sessions", "a:*:replication:u:repl\n", "host=a user=u", "repl"],
    ["an empty password as none", "a:*:*:u:\n", "host=a user=u", ""],
    ["one password for several hosts", "a:*:*:u:same\nb:*:*:u:same\n", "host=a,b user=u", "same"],
  ])("knows %s", async (_what, text, dsn, expected) => {
    await put(".pgpass", text);
    const resolved = parseDsn((await resolve(dsn)).dsn);
    expect(resolved.password?.reveal() ?? "").toBe(expected);
  });

  it("is named by passfile, then PGPASSFILE, and not asked when there is a password", async () => {
    const one = await put("one", "*:*:*:*:one\n");
    const two = await put("two", "*:*:*:*:two\n");
    expect(await login(`host=a user=u passfile=${one}`, { PGPASSFILE: two })).toContain(":one@");
    expect(await login("host=a user=u", { PGPASSFILE: two })).toContain(":two@");
    expect(await login("host=a user=u password=own", { PGPASSFILE: two })).toContain(":own@");
  });

  it("is not used, with a warning, when others may read it or it is a folder", async () => {
    await put(".pgpass", "*:*:*:*:seen\n", 0o640);
    const { dsn, warnings } = await resolve("host=a user=u");
    expect(parseDsn(dsn).password).toBeNull();
    expect(warnings).toEqual([expect.stringContaining("may be read by others")]);
    expect((await resolve("host=a user=u", { PGPASSFILE: home })).warnings).toEqual([
      expect.stringContaining("not a plain file"),
    ]);
    expect((await resolve("host=a user=u", { PGPASSFILE: join(home, "none") })).warnings).toEqual([]);
  });

  it("with different passwords for the hosts is refused, without naming them", async () => {
    await put(".pgpass", "a:*:*:u:first-secret\nb:*:*:u:second-secret\n");
    const error = await resolve("host=a,b user=u").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "dsn-invalid" });
    expect(String(error)).not.toContain("secret");
  });
});

it("gives a string back as it is when nothing is to be resolved", async () => {
  const text = "postgresql://u:p@h/db?sslmode=require";
  expect(await resolve(text)).toEqual({ dsn: text, warnings: [] });
  await expect(resolve("host=a user=u sslmod=x")).rejects.toMatchObject({ code: "dsn-invalid" });
});
