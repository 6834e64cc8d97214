import { useEffect } from "preact/hooks";
import { DeskPage } from "./pages/desk.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { later } from "./parts/later.tsx";
import { ProblemNote } from "./parts/problem.tsx";
import { Shell } from "./parts/shell.tsx";
import { navigate, path, pathParts } from "./router.ts";
import { account, homeOf, loadSession, sessionProblem } from "./state/session.ts";
import { locale, t } from "./text/locale.ts";

const AnalysisPage = later(async () => (await import("./pages/analysis.tsx")).AnalysisPage);
const CrewPage = later(async () => (await import("./pages/crew.tsx")).CrewPage);
const CrewsPage = later(async () => (await import("./pages/crews.tsx")).CrewsPage);
const MessagesPage = later(async () => (await import("./pages/messages.tsx")).MessagesPage);
const NodePage = later(async () => (await import("./pages/node.tsx")).NodePage);
const RoundsPage = later(async () => (await import("./pages/rounds.tsx")).RoundsPage);
const RulesPage = later(async () => (await import("./pages/rules.tsx")).RulesPage);
const NodesPage = later(async () => (await import("./pages/nodes.tsx")).NodesPage);
const WelcomePage = later(async () => (await import("./pages/welcome.tsx")).WelcomePage);

export function App() {
  useEffect(() => {
    document.documentElement.lang = locale.value;
  }, [locale.value]);
  const who = account.value;
  const [page, ...rest] = pathParts(path.value);

  if (page === "welcome") return <WelcomePage />;
  if (who === undefined) return <Opening />;
  if (who === null) return <SignInPage />;

  if (who.role === "crew") return page === "crew" ? <CrewPage crewId={who.crewId} /> : <Redirect to="/crew" />;
  switch (page) {
    case "desk":
      return (
        <Shell title={t("nav.desk")}>
          <DeskPage caseId={rest[0]} />
        </Shell>
      );
    case "nodes":
      return <Shell title={t("nav.nodes")}>{rest[0] === undefined ? <NodesPage /> : <NodePage id={rest[0]} />}</Shell>;
    case "rounds":
      return (
        <Shell title={t("nav.rounds")}>
          <RoundsPage />
        </Shell>
      );
    case "crews":
      return (
        <Shell title={t("nav.crews")}>
          <CrewsPage />
        </Shell>
      );
    case "messages":
      return (
        <Shell title={t("nav.messages")}>
          <MessagesPage />
        </Shell>
      );
    case "rules":
      return (
        <Shell title={t("nav.rules")}>
          <RulesPage />
        </Shell>
      );
    case "analysis":
      return (
        <Shell title={t("nav.analysis")}>
          <AnalysisPage />
        </Shell>
      );
    default:
      return <Redirect to={homeOf(who.role)} />;
  }
}

function Redirect({ to }: { readonly to: string }) {
  useEffect(() => navigate(to, "replace"), [to]);
  return null;
}

function Opening() {
  const error = sessionProblem.value;
  useEffect(() => {
    if (!error) return;
    const timer = setTimeout(() => void loadSession(), 3000);
    return () => clearTimeout(timer);
  }, [error]);
  return (
    <main class="card-page">{error ? <ProblemNote error={error} /> : <p class="quiet">{t("shell.opening")}</p>}</main>
  );
}
