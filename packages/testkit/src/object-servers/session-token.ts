import { createHash, createHmac } from "node:crypto";

/** Credentials that end, as a token service gives them. */
interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

interface TokenService {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Asks a server's token service for credentials of a quarter of an hour, the shortest it gives (GetSessionToken). Ceph
 * gives them to users whom a policy allows it, and lets those make one for themselves who have the capability `user-policy`.
 */
export async function sessionCredentialsOf(server: TokenService, user: string): Promise<SessionCredentials> {
  const allowed = { Effect: "Allow", Action: ["sts:GetSessionToken", "s3:*"], Resource: ["*"] };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [allowed] });
  await post(server, { Action: "PutUserPolicy", UserName: user, PolicyName: "tokens", PolicyDocument });
  const text = await post(server, { Action: "GetSessionToken", DurationSeconds: "900", Version: "2011-06-15" });
  const field = (name: string): string => {
    const value = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
    if (value === undefined) throw new Error(`the token service gave no ${name}: ${text}`);
    return value;
  };
  return {
    accessKeyId: field("AccessKeyId"),
    secretAccessKey: field("SecretAccessKey"),
    sessionToken: field("SessionToken"),
  };
}

async function post(server: TokenService, fields: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams(fields).toString();
  const answer = await fetch(server.endpoint, { method: "POST", body, headers: signed(server, body, new Date()) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${fields.Action}: the token service answered ${answer.status}: ${text}`);
  return text;
}

/** AWS Signature Version 4 of a form that is posted to the root ("Create a signed AWS API request", AWS's IAM guide). */
function signed(server: TokenService, body: string, now: Date): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    host: new URL(server.endpoint).host,
    "x-amz-content-sha256": sha256(body),
    "x-amz-date": time,
  };
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const request = ["POST", "/", "", lines.join(""), names, sha256(body)].join("\n");
  const scope = `${day}/${server.region}/sts/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(request)].join("\n");
  let key: Buffer = Buffer.from(`AWS4${server.secretAccessKey}`);
  for (const part of [day, server.region, "sts", "aws4_request"]) key = hmac(key, part);
  const signature = hmac(key, toSign).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  const { host, ...sent } = headers;
  return { ...sent, authorization };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
