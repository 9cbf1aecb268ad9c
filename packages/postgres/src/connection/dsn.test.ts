import { AppError, Secret } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConnectionSettings, HostAddress } from "./connection-settings.ts";
import { describeDsn, encodeDsn, parseDsn } from "./dsn.ts";

function problem(text: string): string {
  try {
    parseDsn(text);
  } catch (error) {
    if (error instanceof AppError && error.code === "dsn-invalid") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("parseDsn", () => {
  it("fills in what is not given", () => {
    expect(parseDsn("postgresql://tidemark@db.example.com")).toEqual({
      hosts: [{ host: "db.example.com", hostAddress: null, port: 5432 }],
      user: "tidemark",
      database: "postgres",
      password: null,
      applicationName: "tidemark",
      sslMode: "prefer",
      sslRootCert: null,
      sslCert: null,
      sslKey: null,
      connectTimeoutMs: null,
    });
  });

  it("reads several hosts, IPv6, percent-encoding and parameters of a URI", () => {
    const settings = parseDsn(
      "postgres://me%40x:p%3Aq%2F@[::1]:5433,b,%2Frun%2Fpg:6000/my%20db?sslmode=require&connect_timeout=7&application_name=x%26y",
    );
    expect(settings.hosts).toEqual([
      { host: "::1", hostAddress: null, port: 5433 },
      { host: "b", hostAddress: null, port: 5432 },
      { host: "/run/pg", hostAddress: null, port: 6000 },
    ]);
    expect([settings.user, settings.password?.reveal(), settings.database]).toEqual(["me@x", "p:q/", "my db"]);
    expect([settings.sslMode, settings.connectTimeoutMs, settings.applicationName]).toEqual(["require", 7000, "x&y"]);
  });

  it("reads key-value pairs with blanks, quotes and backslashes", () => {
    const settings = parseDsn(
      "host = a,b port=1 user='it\\'s me' password='a\\\\b c' dbname=x\\ y hostaddr=10.0.0.1,10.0.0.2",
    );
    expect(settings.hosts).toEqual([
      { host: "a", hostAddress: "10.0.0.1", port: 1 },
      { host: "b", hostAddress: "10.0.0.2", port: 1 },
    ]);
    expect([settings.user, settings.password?.reveal(), settings.database]).toEqual(["it's me", "a\\b c", "x y"]);
  });

  it.each([
    ["", "empty"],
    ["nonsense", "neither a postgresql:// URI nor key=value"],
    ["host=a user=b nonsense", '"=" is missing'],
    ["host=a user='b", "quote is not closed"],
    ["host=a", "no user is given"],
    ["user=a", "no host is given"],
    ["host=a user=b sslmod=require", '"sslmod" is not a parameter'],
    [
      "host=a user=b target_session_attrs=primary",
      '"target_session_attrs" is a libpq parameter that Tidemark does not',
    ],
    ["host=a user=b sslmode=maybe", "sslmode must be one of"],
    ["host=a user=b sslmode=verify-full", "needs sslrootcert"],
    ["host=a user=b sslmode=require sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"],
    ["host=a user=b sslcert=/c", "sslcert and sslkey"],
    ["host=a user=b port=99999", '"99999" is not a port'],
    ["host=a,b,c user=b port=1,2", "different lengths"],
    ["host=a user=b connect_timeout=soon", "connect_timeout"],
    ["postgresql://u@h:x/", '"x" is not a port'],
    ["postgresql://u@::1/", "square brackets"],
    ["postgresql://u:%zz@h/", "percent sign"],
    ["postgresql://u@h/?sslmode", "has no value"],
    ["mysql://u@h/", "neither a postgresql:// URI nor key=value"],
  ])("refuses %j and says why", (text, why) => {
    expect(problem(text)).toContain(why);
  });

  it("names every problem at once and never the password", () => {
    const message = problem("host=a port=x sslmode=y password=hunter2");
    for (const part of ["no user", '"x" is not a port', "sslmode"]) expect(message).toContain(part);
    expect(message).not.toContain("hunter2");
    expect(problem("postgresql://u:hunter2%zz@h/")).not.toContain("hunter2");
  });
});

describe("encodeDsn", () => {
  const text = fc
    .string({ minLength: 1, unit: "binary" })
    .filter((value) => !value.includes("\0") && value.isWellFormed());
  const host: fc.Arbitrary<HostAddress> = fc.record({
    host: fc.constantFrom("db.example.com", "10.0.0.5", "::1", "/var/run/postgresql", "fe80::1"),
    hostAddress: fc.constantFrom(null, "10.1.2.3"),
    port: fc.integer({ min: 1, max: 65_535 }),
  });
  const settings: fc.Arbitrary<ConnectionSettings> = fc.record({
    hosts: fc.tuple(host, host),
    user: text,
    database: text,
    password: fc.option(text.map((value) => new Secret(value))),
    applicationName: text,
    sslMode: fc.constantFrom("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    sslRootCert: fc.constant("/etc/ssl/root.pem"),
    sslCert: fc.constant(null),
    sslKey: fc.constant(null),
    connectTimeoutMs: fc.option(fc.integer({ min: 1, max: 600 }).map((seconds) => seconds * 1000)),
  });

  it("is read back by parseDsn", () => {
    fc.assert(
      fc.property(settings, (wanted) => {
        const got = parseDsn(encodeDsn(wanted));
        expect({ ...got, password: null }).toEqual({ ...wanted, password: null });
        expect(got.password?.reveal() ?? null).toBe(wanted.password?.reveal() ?? null);
      }),
    );
  });

  it("has a form for people without the password", () => {
    const described = describeDsn(parseDsn("host=h user=u password=hunter2"));
    expect(described).toBe("postgresql://u@h:5432/postgres?sslmode=prefer");
  });
});

describe("any text", () => {
  it("is read or refused as dsn-invalid, never anything else", () => {
    const parts = fc.constantFrom(
      "postgresql://",
      "host=",
      "'",
      "\\",
      "=",
      "@",
      ":",
      "/",
      "?",
      "&",
      ",",
      "[",
      "]",
      "%",
      " ",
      "a",
      "5",
    );
    fc.assert(
      fc.property(
        fc.array(parts).map((list) => list.join("")),
        (text) => {
          try {
            parseDsn(text);
          } catch (error) {
            expect(error).toMatchObject({ code: "dsn-invalid" });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
