import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ownPort } from "../claim-port.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { waitFor } from "../wait-for.ts";
import { areInstalled, Daemons, missingServer } from "./daemons.ts";
import { bucketMaker, type S3Server } from "./s3-server.ts";

const programs = ["ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin"];

/**
 * Ceph's S3 gateway over a cluster of one monitor and one disk in memory: exclusive create in one request (but not in
 * parts, and not in a versioned bucket), versions, object lock, TLS, session tokens. Null where it is not installed (never in CI).
 */
export async function rgwServer(): Promise<S3Server | null> {
  const paths = programs.map((name) => `/usr/bin/${name}`);
  if (!(await areInstalled(paths))) return missingServer("Ceph's S3 gateway", "radosgw ceph-mon ceph-osd");
  const dir = await tempDir("rgw");
  const daemons = new Daemons(dir.path);
  const dispose = async (): Promise<void> => {
    await daemons.stop();
    await dir[Symbol.asyncDispose]();
  };
  try {
    return { ...(await start(dir, daemons)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw new Error(`Ceph's gateway did not start: ${daemons.log}`, { cause: error });
  }
}

async function start(dir: TempDir, daemons: Daemons): Promise<Omit<S3Server, typeof Symbol.asyncDispose>> {
  const [monitorPort, diskPort, port] = [await ownPort(), await ownPort(), await ownPort()];
  const tlsPort = await ownPort();
  const clusterId = randomUUID();
  const diskId = randomUUID();
  await writeFile(dir.join("ceph.conf"), cephConfig(dir.path, { clusterId, monitorPort, diskPort, port, tlsPort }));
  for (const folder of ["monitor", "disk", "gateway"]) await mkdir(dir.join(folder));
  await makeKeys(daemons);
  const monitor = `[v2:127.0.0.1:${monitorPort}]`;
  await daemons.run("/usr/bin/monmaptool", ["--create", "--fsid", clusterId, "--addv", "a", monitor, "monmap"]);
  const withConfig = ["-c", "ceph.conf"];
  const first = ["--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring"];
  await daemons.run("/usr/bin/ceph-mon", [...withConfig, ...first]);
  daemons.start("/usr/bin/ceph-mon", [...withConfig, "-i", "a", "-f"]);
  await daemons.run("/usr/bin/ceph", [...withConfig, "--connect-timeout", "30", "osd", "new", diskId]);
  await daemons.run("/usr/bin/ceph-osd", [...withConfig, "-i", "0", "--mkfs", "--osd-uuid", diskId]);
  daemons.start("/usr/bin/ceph-osd", [...withConfig, "-i", "0", "-f"]);
  daemons.start("/usr/bin/radosgw", [...withConfig, "-n", "client.admin", "-f"]);
  const endpoint = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(endpoint)).ok, { what: "the gateway", timeoutMs: 120_000, everyMs: 100 });
  const server = {
    endpoint,
    region: "us-east-1",
    accessKeyId: "TIDEMARKTEST",
    secretAccessKey: "tidemark-test-secret",
    tls: { endpoint: `https://${hostName}:${tlsPort}`, caFile: fixture("s3-ca.crt"), hostName },
  };
  const keys = [`--access-key=${server.accessKeyId}`, `--secret-key=${server.secretAccessKey}`];
  const user = ["user", "create", "--uid=tidemark", "--display-name=Tidemark", "--caps=user-policy=*", ...keys];
  await daemons.run("/usr/bin/radosgw-admin", [...withConfig, "-n", "client.admin", ...user]);
  return { ...server, newBucket: bucketMaker(server) };
}

/** With authentication switched off the gateway's second handle on the cluster is refused (EACCES), so there are keys. */
async function makeKeys(daemons: Daemons): Promise<void> {
  const keys = [
    ["mon.", "--cap", "mon", "allow *"],
    ["client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"],
    ["osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"],
  ];
  await daemons.run("/usr/bin/ceph-authtool", ["--create-keyring", "keyring"]);
  for (const key of keys) await daemons.run("/usr/bin/ceph-authtool", ["keyring", "--gen-key", "-n", ...key]);
}

/** What the certificate is for, and everything below it; no resolver knows it. */
const hostName = "s3.tidemark.test";

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

interface Place {
  readonly clusterId: string;
  readonly monitorPort: number;
  readonly diskPort: number;
  readonly port: number;
  readonly tlsPort: number;
}

function cephConfig(folder: string, { clusterId, monitorPort, diskPort, port, tlsPort }: Place): string {
  return `[global]
fsid = ${clusterId}
mon_host = [v2:127.0.0.1:${monitorPort}/0]
mon_initial_members = a
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
# The monitor gathers changes for a second each by default, and the gateway's start is thirty of them.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_objectstore = memstore
memstore_device_bytes = 4294967296
run_dir = ${folder}
admin_socket =
log_file = ${folder}/$name.log
pid_file =
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
mon_data = ${folder}/monitor
osd_data = ${folder}/disk
rgw_data = ${folder}/gateway
keyring = ${folder}/keyring
ms_bind_ipv6 = false
ms_bind_msgr1 = false
ms_bind_port_min = ${diskPort}
ms_bind_port_max = ${diskPort + 40}
rgw_frontends = beast endpoint=127.0.0.1:${port} ssl_endpoint=127.0.0.1:${tlsPort} ssl_certificate=${fixture("s3.crt")} ssl_private_key=${fixture("s3.key")}
rgw_dns_name = ${hostName}
rgw_s3_auth_use_sts = true
rgw_sts_key = tidemark-sts-key
rgw_thread_pool_size = 16
`;
}
