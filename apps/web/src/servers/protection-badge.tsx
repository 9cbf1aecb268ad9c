import { CircleHelp, OctagonAlert, ShieldCheck, ShieldOff, ShieldQuestion, TriangleAlert } from "lucide-react";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { Badge } from "#ui/badge.tsx";

export const ProtectionFields = graphql(`
  fragment ProtectionFields on Protection {
    state
    reasons
  }
`);

type Protection = ResultOf<typeof ProtectionFields>;

const looks = {
  PROTECTED: { tone: "ok", icon: ShieldCheck, text: "Protected" },
  UNPROVEN: { tone: "warn", icon: ShieldQuestion, text: "Unproven" },
  DEGRADED: { tone: "warn", icon: TriangleAlert, text: "Degraded" },
  AT_RISK: { tone: "bad", icon: OctagonAlert, text: "At risk" },
  UNPROTECTED: { tone: "bad", icon: ShieldOff, text: "Unprotected" },
  UNKNOWN: { tone: "neutral", icon: CircleHelp, text: "Not known yet" },
} as const satisfies Record<Protection["state"], unknown>;

export function ProtectionBadge({ protection }: { readonly protection: Protection }) {
  const { tone, icon, text } = looks[protection.state];
  return (
    <Badge tone={tone} icon={icon} title={protection.reasons.join("\n") || undefined}>
      {text}
    </Badge>
  );
}
