import { AppError, Secret } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConnectionSettings, connectionDefaults, type HostAddress, notApplied } from "./connection-settings.ts";
import { parseDsn, splitDsn } from "./dsn.ts";
import { describeDsn, encodeDsn } from "./dsn-write.ts";

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
      ...connectionDefaults,
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

  it("takes only ASCII blanks for blanks, as libpq's isspace() does: a password may begin, go on and end with others", () => {
    const password = "\uFEFFa\u00A0b\u2028c\u3000";
    expect(parseDsn(` host=h\v user=u\fpassword=${password}`).password?.reveal()).toBe(password);
    expect(parseDsn(`host=h user=u password=${password}\n`).password?.reveal()).toBe(password);
    expect(parseDsn("host=h user=u password=a\\ ").password?.reveal()).toBe("a ");
  });

  it.each([
    ["", "empty"],
    ["host=h user=u\0database\0other", "zero byte"],
    ["host=h user=u password=\ud800", "half a character"],
    ["nonsense", "neither a postgresql:// URI nor key=value"],
    ["host=a user=b nonsense", '"=" is missing'],
    ["host=a user='b", "quote is not closed"],
    ["host=a", "no user is given"],
    ["user=a", "no host is given"],
    ["host=a user=b sslmod=require", '"sslmod" is not a parameter; did you mean "sslmode"?'],
    ["host=a user=b target_sesion_attr=any", 'did you mean "target_session_attrs"?'],
    ["host=a user=b xyzzy=1", '"xyzzy" is not a parameter'],
    ["host=a user=b sslcrldir=/x", '"sslcrldir" is a libpq parameter that Tidemark does not support: use sslcrl'],
    ["host=a user=b replication=true", '"replication" is a libpq parameter'],
    ["service=prod", '"service" names a file of your machine'],
    ["host=a user=b passfile=/x", "the tidemark command resolves it"],
    ["host=a user=b target_session_attrs=master", "target_session_attrs must be one of any, read-write"],
    ["host=a user=b channel_binding=yes", "channel_binding must be one of"],
    ["host=a user=b require_auth=md5,!none", 'must have "!" before every method'],
    ["host=a user=b require_auth=scram", "require_auth must list methods"],
    ["host=a user=b require_auth=md5,md5", "each once"],
    ["host=a user=b gssencmode=require", "gssencmode=require is not supported"],
    ["host=a user=b gssencmode=maybe", "gssencmode must be one of"],
    ["host=a user=b keepalives=yes", "keepalives must be one of 0, 1"],
    ["host=a user=b keepalives_idle=soon", "keepalives_idle must be whole seconds"],
    ["host=a user=b tcp_user_timeout=1.5", "tcp_user_timeout must be whole milliseconds"],
    ["host=a user=b sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require"],
    ["host=a user=b ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version must be one of"],
    ["host=a user=b ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "is below"],
    ["host=@abstract user=b", "abstract namespace"],
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

  it("takes sslrootcert=system for verify-full, as libpq does", () => {
    expect(parseDsn("host=a user=b sslrootcert=system").sslMode).toBe("verify-full");
  });

  it("keeps what the runtime cannot set, and says so", () => {
    const settings = parseDsn(
      "host=a user=b keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=9",
    );
    expect(notApplied(settings)).toEqual(["keepalives_interval", "keepalives_count", "tcp_user_timeout"]);
    expect(settings.keepalive).toMatchObject({ enabled: true, idleSeconds: 5, intervalSeconds: 2, count: 3 });
    expect(notApplied(parseDsn("host=a user=b"))).toEqual([]);
  });

  it("knows whose name a session bears", () => {
    expect(parseDsn("host=a user=b fallback_application_name=x").applicationName).toBe("x");
    expect(parseDsn("host=a user=b fallback_application_name=x application_name=y").applicationName).toBe("y");
  });

  it("names every problem at once and never the password", () => {
    const message = problem("host=a port=x sslmode=y password=hunter2");
    for (const part of ["no user", "a port is not a number", "sslmode"]) expect(message).toContain(part);
    expect(message).not.toContain("hunter2");
    for (const uri of [
      "u:hunter2%zz@h/",
      "u:hunter2/x@h/",
      "u:1?hunter2=x@h/",
      "u:1?hunter2@h/",
      "u:1/a?b=hunter2@h",
      "u:hunter2",
      "u:hunter2/x",
    ])
      expect(problem(`postgresql://${uri}`)).not.toContain("hunter2");
  });
});

describe("encodeDsn", () => {
  const text = fc
    .string({ minLength: 1, unit: "binary" })
    .filter((value) => !value.includes("\0") && value.isWellFormed());
  const host: fc.Arbitrary<HostAddress> = fc.record({
    host: fc.constantFrom("db.example.com", "10.0.0.5", "::1", "/var/run/postgresql", "fe80::1", "fe80::1%eth0"),
    hostAddress: fc.constantFrom(null, "10.1.2.3"),
    port: fc.integer({ min: 1, max: 65_535 }),
  });
  const secret = fc.option(text.map((value) => new Secret(value)));
  const positive = fc.option(fc.integer({ min: 1, max: 999_999_999 }));
  const methods = ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"] as const;
  const settings: fc.Arbitrary<ConnectionSettings> = fc.record({
    hosts: fc.tuple(host, host),
    user: text,
    database: text,
    password: secret,
    applicationName: text,
    options: fc.option(text),
    targetSessionAttrs: fc.constantFrom("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    loadBalanceHosts: fc.boolean(),
    sslRootCert: text.filter((value) => value !== "system"),
    sslMode: fc.constantFrom("require", "verify-ca", "verify-full"),
    sslCrl: fc.option(text),
    sslCert: text,
    sslKey: text,
    sslPassword: secret,
    sslMinVersion: fc.constantFrom("TLSv1", "TLSv1.1", "TLSv1.2"),
    sslMaxVersion: fc.constantFrom(null, "TLSv1.2", "TLSv1.3"),
    sslSni: fc.boolean(),
    sslNegotiation: fc.constantFrom("postgres", "direct"),
    channelBinding: fc.constantFrom("disable", "prefer", "require"),
    requireAuth: fc.option(fc.record({ allow: fc.boolean(), methods: fc.subarray([...methods], { minLength: 1 }) })),
    keepalive: fc.record({
      enabled: fc.boolean(),
      idleSeconds: positive,
      intervalSeconds: positive,
      count: positive,
      tcpUserTimeoutMs: positive,
    }),
    connectTimeoutMs: fc.option(fc.integer({ min: 1, max: 600 }).map((seconds) => seconds * 1000)),
  });
  const open = (value: ConnectionSettings): unknown => ({
    ...value,
    password: value.password?.reveal() ?? null,
    sslPassword: value.sslPassword?.reveal() ?? null,
  });

  it.each(["disable", "allow", "prefer"] as const)("is read back with sslmode=%s and no files", (sslMode) => {
    const base = parseDsn("host=a user=b");
    expect(parseDsn(encodeDsn({ ...base, sslMode }))).toEqual({ ...base, sslMode });
  });

  it("is read back by parseDsn", () => {
    fc.assert(
      fc.property(settings, (wanted) => {
        expect(open(parseDsn(encodeDsn(wanted)))).toEqual(open(wanted));
      }),
    );
  });

  it("has a form for people without the password", () => {
    const described = describeDsn(parseDsn("host=h user=u password=hunter2 sslpassword=hunter3"));
    expect(described).toBe("postgresql://u@h:5432/postgres?sslmode=prefer");
  });
});

describe("key-value pairs", () => {
  it("hold any value in quotes, quotes and backslashes escaped", () => {
    const value = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), value),
        fc.constantFrom("=", " = ", "=\t"),
        (wanted, equals) => {
          const text = Object.entries(wanted).map(
            ([key, item]) => `${key}${equals}'${item.replace(/['\\]/g, "\\$&")}'`,
          );
          fc.pre(text.length > 0);
          expect(Object.fromEntries(splitDsn(text.join(" ")))).toEqual({ ...wanted });
        },
      ),
    );
  });
});

describe("any text", () => {
  it("is read or refused wherever it is cut", () => {
    const whole = [
      "postgresql://me%40x:p%3Aq@[::1]:5433,b,%2Frun%2Fpg:6000/my%20db?sslmode=require&options=-c%20a%3Db",
      "host = a,b port=1 user='it\\'s me' password='a\\\\b c' dbname=x\\ y require_auth=!md5,!none",
    ];
    for (const text of whole) {
      expect(() => parseDsn(text)).not.toThrow();
      for (let at = 0; at < text.length; at++) {
        try {
          parseDsn(text.slice(0, at));
        } catch (error) {
          expect(error).toMatchObject({ code: "dsn-invalid" });
        }
      }
    }
  });

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
