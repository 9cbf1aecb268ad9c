import { PowerOff } from "lucide-react";
import { Badge } from "#ui/badge.tsx";

export function OfflineBadge({ offline }: { readonly offline: { readonly reason: string } }) {
  return (
    <Badge tone="neutral" icon={PowerOff} title={offline.reason}>
      Offline
    </Badge>
  );
}
