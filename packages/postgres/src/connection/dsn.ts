import { AppError, Secret } from "@tidemark/kit";
import {
  type ChannelBindingMode,
  type ConnectionSettings,
  connectionDefaults,
  type SslMode,
  type TargetSessionAttrs,
  type TlsVersion,
} from "./connection-settings.ts";
import { splitKeyValueDsn } from "./dsn-key-value.ts";
import { describeKey } from "./dsn-keys.ts";
import { splitUriDsn } from "./dsn-uri.ts";
import { DsnValues } from "./dsn-values.ts";

/**
 * Reads a connection string as libpq does (PostgreSQL manual, "Connection Strings"): a URI (`postgresql://…`, several
 * hosts allowed, percent-encoding) or key-value pairs (quotes and backslashes). Unlike libpq, nothing comes from the
 * environment, a service file or a password file: what is not written here is not used.
 *
 * @throws AppError `dsn-invalid` with every problem that was found, never with the password.
 */
export function parseDsn(text: string): ConnectionSettings {
  const pairs = splitDsn(text);
  const problems = [...pairs.keys()].map(describeKey).filter((problem) => problem !== null);
  if (problems.length > 0) throw invalid(problems.join("; "));
  return settingsFrom(new DsnValues(pairs));
}

/**
 * The pairs a connection string consists of, in libpq's names, whatever its form; keys and values are not judged.
 *
 * @throws AppError `dsn-invalid` for text that is neither form.
 */
export function splitDsn(text: string): Map<string, string> {
  // What follows a zero byte would be read as further parameters of the login; the other cannot be written as UTF-8.
  if (text.includes("\0")) throw invalid("it has a zero byte");
  if (!text.isWellFormed()) throw invalid("it has half a character (a lone surrogate)");
  const started = text.replace(/^[ \t\n\v\f\r]+/, "");
  if (started === "") throw invalid("it is empty");
  if (!/^postgres(?:ql)?:\/\//.test(started)) return splitKeyValueDsn(started);
  return splitUriDsn(started.replace(/[ \t\n\v\f\r]+$/, ""));
}

/** The problem with a connection string; its text may hold a password and is never quoted. */
export function invalid(why: string): AppError {
  return new AppError("dsn-invalid", {
    message: `the connection string cannot be used: ${why}`,
    hint: "for example postgresql://tidemark:password@db.example.com:5432/postgres?sslmode=require",
  });
}

const sslModes: readonly SslMode[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const targets: readonly TargetSessionAttrs[] = [
  ...(["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const),
];
const bindings: readonly ChannelBindingMode[] = ["disable", "prefer", "require"];
const tlsVersions: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

function settingsFrom(values: DsnValues): ConnectionSettings {
  const hosts = values.hosts();
  const user = values.text("user");
  if (user === null) values.problems.push("no user is given");
  const password = values.text("password");
  const connectTimeoutSeconds = values.count("connect_timeout", "seconds");
  const settings = {
    database: values.text("dbname") ?? "postgres",
    password: password === null ? null : new Secret(password),
    applicationName:
      values.text("application_name") ?? values.text("fallback_application_name") ?? connectionDefaults.applicationName,
    options: values.text("options"),
    targetSessionAttrs: values.choice("target_session_attrs", targets, connectionDefaults.targetSessionAttrs),
    loadBalanceHosts: values.choice("load_balance_hosts", ["disable", "random"], "disable") === "random",
    ...readTls(values),
    keepalive: {
      enabled: values.flag("keepalives", true),
      idleSeconds: values.count("keepalives_idle", "seconds"),
      intervalSeconds: values.count("keepalives_interval", "seconds"),
      count: values.count("keepalives_count", "numbers"),
      tcpUserTimeoutMs: values.count("tcp_user_timeout", "milliseconds"),
    },
    connectTimeoutMs: connectTimeoutSeconds === null ? null : connectTimeoutSeconds * 1000,
  };
  checkTogether(settings, values);
  const [first, ...rest] = hosts;
  if (values.problems.length > 0 || first === undefined || user === null) throw invalid(values.problems.join("; "));
  return { hosts: [first, ...rest], user, ...settings };
}

type TlsSettings = Pick<
  ConnectionSettings,
  | "sslMode"
  | "sslRootCert"
  | "sslCrl"
  | "sslCert"
  | "sslKey"
  | "sslPassword"
  | "sslMinVersion"
  | "sslMaxVersion"
  | "sslSni"
  | "sslNegotiation"
  | "channelBinding"
  | "requireAuth"
>;

function readTls(values: DsnValues): TlsSettings {
  const sslRootCert = values.text("sslrootcert");
  const sslPassword = values.text("sslpassword");
  // We never encrypt by GSSAPI, which is what "prefer" comes to for a client without a ticket.
  if (values.text("gssencmode") === "require") values.problems.push("gssencmode=require is not supported: use sslmode");
  else values.choice("gssencmode", ["disable", "prefer"], "disable");
  return {
    // libpq (fe-connect.c, pqConnectOptions2): trusting every public authority without looking at the name is no trust.
    sslMode: values.choice("sslmode", sslModes, sslRootCert === "system" ? "verify-full" : connectionDefaults.sslMode),
    sslRootCert,
    sslCrl: values.text("sslcrl"),
    sslCert: values.text("sslcert"),
    sslKey: values.text("sslkey"),
    sslPassword: sslPassword === null ? null : new Secret(sslPassword),
    sslMinVersion: values.choice("ssl_min_protocol_version", tlsVersions, connectionDefaults.sslMinVersion),
    sslMaxVersion:
      values.text("ssl_max_protocol_version") === null
        ? null
        : values.choice("ssl_max_protocol_version", tlsVersions, "TLSv1.3"),
    sslSni: values.flag("sslsni", true),
    sslNegotiation: values.choice("sslnegotiation", ["postgres", "direct"], connectionDefaults.sslNegotiation),
    channelBinding: values.choice("channel_binding", bindings, connectionDefaults.channelBinding),
    requireAuth: values.requiredAuth(),
  };
}

/** What each may be by itself and not together. */
function checkTogether(settings: TlsSettings, { problems }: DsnValues): void {
  const { sslMode, sslRootCert } = settings;
  if (sslMode.startsWith("verify-") && sslRootCert === null) {
    problems.push(`sslmode=${sslMode} needs sslrootcert (a PEM file, or "system" for the public authorities)`);
  }
  if (sslRootCert === "system" && sslMode !== "verify-full")
    problems.push("sslrootcert=system needs sslmode=verify-full");
  if ((settings.sslCert === null) !== (settings.sslKey === null))
    problems.push("sslcert and sslkey must be given together");
  if (settings.sslNegotiation === "direct" && !["require", "verify-ca", "verify-full"].includes(sslMode))
    problems.push("sslnegotiation=direct needs sslmode=require or stronger");
  const { sslMinVersion, sslMaxVersion } = settings;
  if (sslMaxVersion !== null && tlsVersions.indexOf(sslMaxVersion) < tlsVersions.indexOf(sslMinVersion))
    problems.push("ssl_max_protocol_version is below ssl_min_protocol_version");
}
