export interface ManagedService {
  readonly name: string;
  /** Beginnings of settings only this service has. */
  readonly settings: readonly string[];
  /** Roles every server of this service has. */
  readonly roles: readonly string[];
  /** What its customers can do instead. */
  readonly instead: string;
}

/**
 * Services that run PostgreSQL for others, by what shows in pg_settings and pg_roles. Whether one offers physical
 * replication is not read from here but tried: some do for some plans.
 */
export const managedServices: readonly ManagedService[] = [
  {
    // docs.aws.amazon.com, "Understanding the rds_superuser role" and "Working with parameters on your RDS for PostgreSQL".
    name: "Amazon RDS or Aurora",
    settings: ["rds."],
    roles: ["rds_superuser", "rdsadmin"],
    instead:
      "its own snapshots and point-in-time restore, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    // cloud.google.com/sql/docs/postgres/flags and …/users.
    name: "Google Cloud SQL",
    settings: ["cloudsql."],
    roles: ["cloudsqlsuperuser", "cloudsqladmin"],
    instead:
      "its own backups and point-in-time recovery, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    name: "Google AlloyDB",
    settings: ["alloydb."],
    roles: ["alloydbsuperuser", "alloydbadmin"],
    instead:
      "its own continuous backups, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    // learn.microsoft.com, Azure Database for PostgreSQL flexible server: azure.extensions, azure_pg_admin.
    name: "Azure Database for PostgreSQL",
    settings: ["azure."],
    roles: ["azure_pg_admin", "azuresu"],
    instead:
      "its own backups and point-in-time restore, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    name: "Neon",
    settings: ["neon."],
    roles: ["neon_superuser"],
    instead:
      "its own branches and history, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    name: "Supabase",
    settings: ["supautils."],
    roles: ["supabase_admin"],
    instead:
      "its own backups, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    name: "Aiven",
    settings: ["aiven."],
    roles: ["avnadmin"],
    instead:
      "its own backups, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
  {
    name: "DigitalOcean",
    settings: [],
    roles: ["doadmin"],
    instead:
      "its own backups, an export with pg_dump, or logical replication to a server of your own that Tidemark backs up",
  },
];

/** The service whose marks these are. */
export function managedServiceOf(markers: readonly string[]): ManagedService | undefined {
  return managedServices.find(({ settings, roles }) =>
    markers.some((marker) => roles.includes(marker) || settings.some((prefix) => marker.startsWith(prefix))),
  );
}
