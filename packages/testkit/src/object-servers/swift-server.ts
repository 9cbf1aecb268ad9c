import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownPort } from "../claim-port.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { waitFor } from "../wait-for.ts";
import { areInstalled, Daemons, missingServer } from "./daemons.ts";
import { bucketMaker, type S3Server } from "./s3-server.ts";

const services = ["account", "container", "object"] as const;
const programs = [...services, "proxy"].map((name) => `/usr/bin/swift-${name}-server`);
const packages = "swift-proxy swift-account swift-container swift-object";

/**
 * OpenStack Swift with its S3 face: an independent store that answers 501 to a conditional put, knows no object lock
 * and no checksums behind a body. Null where it is not installed (never in CI).
 */
export async function swiftServer(): Promise<S3Server | null> {
  if (!(await areInstalled([...programs, "/usr/bin/swift-ring-builder"])))
    return missingServer("OpenStack Swift", packages);
  const dir = await tempDir("swift");
  const daemons = new Daemons(dir.path);
  const dispose = async (): Promise<void> => {
    await daemons.stop();
    await dir[Symbol.asyncDispose]();
  };
  try {
    return { ...(await start(dir, daemons)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw new Error(`Swift did not start: ${daemons.log}`, { cause: error });
  }
}

async function start(dir: TempDir, daemons: Daemons): Promise<Omit<S3Server, typeof Symbol.asyncDispose>> {
  const user = process.getuid?.() === 0 ? "root" : (process.env.USER ?? "root");
  await mkdir(dir.join("node", "disk"), { recursive: true });
  for (const service of services) {
    const port = await ownPort();
    const builder = `${service}.builder`;
    // Two to the second partitions, one copy: it is one disk.
    await daemons.run("/usr/bin/swift-ring-builder", [builder, "create", "2", "1", "0"]);
    await daemons.run("/usr/bin/swift-ring-builder", [builder, "add", `r1z1-127.0.0.1:${port}/disk`, "1"]);
    await daemons.run("/usr/bin/swift-ring-builder", [builder, "rebalance"]);
    await writeFile(dir.join(`${service}.conf`), serviceConfig(dir.path, service, port, user));
    daemons.start(`/usr/bin/swift-${service}-server`, [dir.join(`${service}.conf`)]);
  }
  const port = await ownPort();
  await writeFile(dir.join("proxy.conf"), proxyConfig(dir.path, port, user));
  daemons.start("/usr/bin/swift-proxy-server", [dir.join("proxy.conf")]);
  const server = {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    accessKeyId: "test:tester",
    secretAccessKey: "testing",
    tls: null,
  };
  await waitFor(async () => (await fetch(`${server.endpoint}/healthcheck`)).ok, {
    what: "Swift's proxy",
    everyMs: 100,
    timeoutMs: 120_000,
  });
  const newBucket = bucketMaker(server);
  // The proxy answers before the three behind it do.
  await waitFor(async () => (await newBucket("first-bucket")) !== null, {
    what: "Swift to make a bucket",
    everyMs: 200,
    timeoutMs: 120_000,
  });
  return { ...server, newBucket };
}

function common(folder: string, port: number, user: string): string {
  return [
    "[DEFAULT]",
    "bind_ip = 127.0.0.1",
    `bind_port = ${port}`,
    `swift_dir = ${folder}`,
    `user = ${user}`,
    "workers = 0",
    "log_level = WARNING",
    // Neither /dev/log nor a system log is there in a container.
    "log_address = /dev/null",
  ].join("\n");
}

function serviceConfig(folder: string, service: string, port: number, user: string): string {
  return `${common(folder, port, user)}
devices = ${join(folder, "node")}
mount_check = false
disable_fallocate = true
[pipeline:main]
pipeline = ${service}-server
[app:${service}-server]
use = egg:swift#${service}
recon_cache_path = ${folder}
`;
}

function proxyConfig(folder: string, port: number, user: string): string {
  return `${common(folder, port, user)}
[pipeline:main]
pipeline = catch_errors healthcheck cache s3api tempauth bulk slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
# It insists on a cache and lives without one that answers: nothing listens on this port.
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
storage_domain = localhost
check_bucket_owner = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`;
}
