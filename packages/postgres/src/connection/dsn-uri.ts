import { AppError } from "@tidemark/kit";

/**
 * Splits `postgresql://[user[:password]@][host[:port]][,…][/database][?key=value[&…]]` into the pairs libpq would make
 * of it. The platform's URL class cannot: it knows neither several hosts nor percent-encoded folders as a host.
 *
 * @throws AppError `dsn-invalid`.
 */
export function splitUriDsn(uri: string): Map<string, string> {
  const pairs = new Map<string, string>();
  const rest = uri.slice(uri.indexOf("://") + 3);
  const queryAt = rest.indexOf("?");
  const beforeQuery = queryAt === -1 ? rest : rest.slice(0, queryAt);
  const slashAt = beforeQuery.indexOf("/");
  const authority = slashAt === -1 ? beforeQuery : beforeQuery.slice(0, slashAt);
  const at = authority.lastIndexOf("@");
  if (at !== -1) splitCredentials(authority.slice(0, at), pairs);
  splitHosts(authority.slice(at + 1), pairs);
  if (slashAt !== -1 && slashAt + 1 < beforeQuery.length) pairs.set("dbname", decode(beforeQuery.slice(slashAt + 1)));
  if (queryAt !== -1) splitQuery(rest.slice(queryAt + 1), pairs);
  // Said before anything else is looked at: what seems to be a port, a database or a key may be half a password.
  if (at === -1 && rest.includes("@") && !pairs.has("user"))
    throw malformed("its user must end with @, and a / or ? in a password must be percent-encoded");
  return pairs;
}

function splitCredentials(credentials: string, pairs: Map<string, string>): void {
  const colon = credentials.indexOf(":");
  pairs.set("user", decode(colon === -1 ? credentials : credentials.slice(0, colon)));
  if (colon !== -1) pairs.set("password", decode(credentials.slice(colon + 1)));
}

function splitHosts(list: string, pairs: Map<string, string>): void {
  if (list === "") return;
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const part of list.split(",")) {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::([^:]*))?$/.exec(part);
    if (match === null) throw malformed("a host is malformed (an IPv6 address belongs in square brackets)");
    hosts.push(decode(match[1] ?? match[2] ?? ""));
    ports.push(decode(match[3] ?? ""));
  }
  if (hosts.some((host) => host !== "")) pairs.set("host", hosts.join(","));
  if (ports.some((port) => port !== "")) pairs.set("port", ports.join(","));
}

function splitQuery(query: string, pairs: Map<string, string>): void {
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals === -1) throw malformed("a parameter has no value");
    const key = decode(part.slice(0, equals));
    const value = decode(part.slice(equals + 1));
    // JDBC's spelling, which libpq takes too.
    if (key === "ssl" && value === "true") pairs.set("sslmode", "require");
    else pairs.set(key, value);
  }
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw malformed("a percent sign is not followed by the hex digits of UTF-8");
  }
  if (decoded.includes("\0")) throw malformed("%00 is not allowed");
  return decoded;
}

function malformed(why: string): AppError {
  return new AppError("dsn-invalid", {
    message: `the connection string cannot be used: ${why}`,
    hint: "write special characters of a password in percent-encoding, for example %40 for @",
  });
}
