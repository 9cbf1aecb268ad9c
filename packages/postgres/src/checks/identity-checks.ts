import { check, found, notAsked, ok } from "./check.ts";

const identifierAgrees = check({
  id: "system-identifier-agrees",
  title: "Both kinds of session reach the same cluster",
  problem: "The two kinds of session reach different clusters",
  severity: "blocks-backup",
  read: "pg_control_system() and IDENTIFY_SYSTEM",
  required: "the same system identifier",
  why: "a pooler, a name with several addresses or a port forward can lead SQL to one cluster and backups to another",
  parts: ["control"],
  judge({ control }, { replication }) {
    if (replication?.ok !== true) return notAsked("there was no replication session to compare with");
    const { systemIdentifier } = replication.identity;
    if (systemIdentifier === control.systemIdentifier) return ok(String(systemIdentifier));
    return found(`SQL reaches ${control.systemIdentifier}, replication ${systemIdentifier}`, {
      advice: "name one host and the server's own port in the connection string, without a pooler between",
    });
  },
});

const identifierChanged = check({
  id: "system-identifier-changed",
  title: "It is the cluster that was registered",
  problem: "Another cluster is at this address",
  severity: "blocks-backup",
  read: "pg_control_system()",
  required: "the system identifier of the first contact",
  why: "backups and WAL of another cluster must not be mixed with those that are kept; pg_upgrade and initdb make a new one",
  parts: ["control"],
  judge({ control }, { known }) {
    if (known.systemIdentifier === null) return ok(`${control.systemIdentifier}, seen for the first time`);
    if (known.systemIdentifier === control.systemIdentifier) return ok(String(control.systemIdentifier));
    return found(`${control.systemIdentifier}; "${known.serverName}" was ${known.systemIdentifier}`, {
      advice:
        "after an upgrade or a new cluster: register it as a new server, and keep this one for its backups. Else correct the connection string",
    });
  },
});

const identifierRegistered = check({
  id: "system-identifier-registered",
  title: "The cluster is registered once",
  problem: "The cluster is registered twice",
  severity: "risk",
  read: "pg_control_system(), and the other servers here",
  required: "a system identifier no other server here has",
  why: "two registrations back up the same data twice, and neither knows what the other keeps or removes",
  parts: ["control"],
  judge({ control }, { known }) {
    if (known.registeredAs === null) return ok(String(control.systemIdentifier));
    return found(`${control.systemIdentifier} is registered as "${known.registeredAs}" too`, {
      advice: `a standby or another address of it belongs to "${known.registeredAs}" as a member; remove one of the two registrations`,
    });
  },
});

export const identityChecks = [identifierAgrees, identifierChanged, identifierRegistered];
