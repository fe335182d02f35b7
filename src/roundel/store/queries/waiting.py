"""Why a job waits, read from the rows that keep it waiting."""

from roundel.domain.clock import MINUTE, Micros
from roundel.domain.ids import JobId
from roundel.domain.jobs import ENDED, MACHINE_LANE, Job, JobStatus, lane_of
from roundel.domain.plan import JobType
from roundel.domain.waiting import Before, Cause, Load, Waiting, left_of, until_start
from roundel.store.dialect import Row, Sql
from roundel.store.owner_rows import organization_settings_of, project_settings_of
from roundel.store.repos.jobs import SqlJobs
from roundel.store.repos.tickets import SqlTickets
from roundel.store.rows import requirements_of

GONE_AFTER = 2 * MINUTE  # a runner asks for work several times a minute
MOST_NAMED = 20

_BEFORE = (
    "SELECT j.id, j.name, j.status, j.number, p.slug FROM job j"
    " JOIN project p ON p.id = j.project_id"
)


def load(sql: Sql) -> Load:
    """Return how much work there is; it costs as much as is under way, however much there was."""
    at_work = sql.all("SELECT count(*) FROM execution WHERE status IN ('claimed', 'running')")
    queue = sql.all("SELECT count(*), min(created_at) FROM execution WHERE status = 'queued'")
    return Load(at_work=at_work[0][0], waiting=queue[0][0], oldest=queue[0][1])


def why(sql: Sql, job_id: JobId, now: Micros) -> Waiting | None:
    """Return what a job waits for."""
    job = SqlJobs(sql).get(job_id)
    if job is None:
        return None
    match job.status:
        case JobStatus.BLOCKED:
            return _requirements(sql, job)
        case JobStatus.ON_HOLD:
            return _answer(job, Cause.APPROVAL, "It waits for somebody to approve it.")
        case JobStatus.QUEUED:
            return _turn(sql, job) or _queue(sql, job, now)
        case JobStatus.NOT_RUNNING:
            return _answer(job, Cause.NOTHING, "A runner has it and is about to start it.")
        case JobStatus.RUNNING:
            return _answer(job, Cause.NOTHING, "It is running.")
    return _answer(job, Cause.NOTHING, f"It has ended: {job.status}. {job.message or ''}".rstrip())


def _answer(job: Job, cause: Cause, sentence: str, **facts: object) -> Waiting:
    return Waiting(
        job_id=job.id,
        name=job.name,
        status=job.status,
        cause=cause,
        sentence=sentence,
        resource_class=job.resource_class,
        **facts,  # type: ignore[arg-type]  # by their names
    )


def _before_of(row: Row) -> Before:
    return Before(
        id=JobId(row[0]),
        name=row[1],
        status=JobStatus(row[2]),
        number=row[3],
        project_slug=row[4],
    )


def _named(jobs: list[Before]) -> str:
    shown = ", ".join(f"{it.name} ({it.status})" for it in jobs[:MOST_NAMED])
    return shown if len(jobs) <= MOST_NAMED else f"{shown} and {len(jobs) - MOST_NAMED} more"


def _requirements(sql: Sql, job: Job) -> Waiting:
    row = sql.one(
        "SELECT requires FROM workflow_job WHERE workflow_id = :workflow AND job_id = :job",
        workflow=job.workflow_id,
        job=job.id,
    )
    needed = {} if row is None else {need.job: None for need in requirements_of(row[0])}
    slots = sql.all(
        "SELECT s.name, s.job_id FROM workflow_job s WHERE s.workflow_id = :id"
        " AND s.job_id IS NOT NULL ORDER BY s.position",
        id=job.workflow_id,
    )
    found = [
        _before_of(before)
        for name, id_ in slots
        if name in needed and (before := sql.one(f"{_BEFORE} WHERE j.id = :id", id=id_))
    ]
    still = [it for it in found if it.status not in ENDED]
    sentence = f"It requires jobs that have not ended: {_named(still)}."
    return _answer(job, Cause.REQUIREMENT, sentence, before=tuple(still))


def _turn(sql: Sql, job: Job) -> Waiting | None:
    """Return the line for a serial group or a lock in which the job waits, if so."""
    tickets = SqlTickets(sql)
    ticket = tickets.get(job.id)
    if ticket is None or ticket.held:
        return None
    line = tickets.line(ticket.organization_id, ticket.kind, ticket.key)
    held = [it for it in line if it.held]
    position = 1 + next(
        place for place, it in enumerate(it for it in line if not it.held) if it.job_id == job.id
    )
    before = [
        _before_of(row)
        for it in held
        if (row := sql.one(f"{_BEFORE} WHERE j.id = :id", id=it.job_id))
    ]
    if job.type is JobType.LOCK:
        cause, what = Cause.LOCK, f"the lock {ticket.key.partition(':')[2]!r}"
    else:
        cause, what = Cause.SERIAL_GROUP, f"its turn in the serial group {ticket.key!r}"
    slugs = ", ".join(sorted({f"{it.project_slug}" for it in before}))
    sentence = (
        f"It waits for {what}, which {_named(before)} of {slugs} has; it is number {position}."
    )
    return _answer(job, cause, sentence, before=tuple(before), position=position)


def _queue(sql: Sql, job: Job, now: Micros) -> Waiting:
    lane = lane_of(job.resource_class, job.executor)
    return _no_runner(sql, job, lane, now) or _limit(sql, job) or _slot(sql, job, lane, now)


def _no_runner(sql: Sql, job: Job, lane: str, now: Micros) -> Waiting | None:
    """Say so where nobody serves the job's class, or nobody has been heard of."""
    if lane in ("", MACHINE_LANE):
        return None
    classes = tuple(row[0] for row in sql.all("SELECT name FROM resource_class ORDER BY name"))
    if lane not in classes:
        known = ", ".join(classes[:MOST_NAMED]) or "none"
        sentence = f"There is no resource class {lane!r}; those that there are: {known}."
        return _answer(job, Cause.RUNNER, sentence, classes=classes)
    row = sql.one(
        "SELECT MAX(r.last_connected) FROM runner r"
        " JOIN resource_class c ON c.id = r.resource_class_id WHERE c.name = :name",
        name=lane,
    )
    seen = None if row is None else row[0]
    if seen is not None and now - seen < GONE_AFTER:
        return None
    sentence = f"No runner of the resource class {lane!r} is connected."
    return _answer(job, Cause.RUNNER, sentence, classes=classes)


# Who needs it: the limits of a project and its organisation, beside what they have at work.
_LIMITS = (
    "SELECT p.settings, o.settings,"
    " (SELECT COUNT(*) FROM execution e WHERE e.project_id = p.id"
    " AND e.status IN ('claimed', 'running')),"
    " (SELECT COUNT(*) FROM execution e JOIN project q ON q.id = e.project_id"
    " WHERE q.organization_id = o.id AND e.status IN ('claimed', 'running'))"
    " FROM project p JOIN organization o ON o.id = p.organization_id WHERE p.id = :id"
)


def _limit(sql: Sql, job: Job) -> Waiting | None:
    row = sql.one(_LIMITS, id=job.project_id)
    if row is None:
        return None
    own = project_settings_of(row[0]).max_running_jobs
    common = organization_settings_of(row[1]).max_running_jobs
    for whose, limit, busy in (("project", own, row[2]), ("organization", common, row[3])):
        if limit is not None and busy >= limit:
            sentence = f"Its {whose} has {busy} jobs at work and may have {limit} at once."
            return _answer(job, Cause.LIMIT, sentence, position=_position(sql, job))
    return None


def _slot(sql: Sql, job: Job, lane: str, now: Micros) -> Waiting:
    position = _position(sql, job)
    at_work = sql.all(
        "SELECT project_id, started_at FROM execution"
        " WHERE lane = :lane AND status IN ('claimed', 'running')",
        lane=lane,
    )
    if not at_work:
        sentence = "No runner has taken it yet, and none is at work: is there one that runs jobs?"
        return _answer(job, Cause.SLOT, sentence, position=position, idle_queue=lane)
    usual = {id_: _usual_length(sql, id_) for id_ in {job.project_id, *(it[0] for it in at_work)}}
    own = usual[job.project_id]
    expected = None
    if own is not None:
        left = [left_of(usual[id_] or own, began, now) for id_, began in at_work]
        expected = Micros(now + until_start(left, own, position))
    sentence = f"All runners are busy, with {len(at_work)} jobs; it is number {position} in line."
    return _answer(job, Cause.SLOT, sentence, position=position, expected_start=expected)


def _position(sql: Sql, job: Job) -> int:
    """Return the job's place in line: projects take turns, so others count as often as its own."""
    lane = lane_of(job.resource_class, job.executor)
    row = sql.one(
        "SELECT MIN(created_at) FROM execution WHERE job_id = :job AND status = 'queued'",
        job=job.id,
    )
    began = None if row is None else row[0]
    ahead = 0
    if began is not None:
        row = sql.one(
            "SELECT COUNT(*) FROM execution WHERE status = 'queued' AND lane = :lane"
            " AND project_id = :project AND created_at < :began",
            lane=lane,
            project=job.project_id,
            began=began,
        )
        ahead = 0 if row is None else int(row[0])
    others = sql.all(
        "SELECT COUNT(*) FROM execution WHERE status = 'queued' AND lane = :lane"
        " AND project_id <> :project GROUP BY project_id",
        lane=lane,
        project=job.project_id,
    )
    return 1 + ahead + sum(min(int(count), ahead + 1) for (count,) in others)


def _usual_length(sql: Sql, project_id: str) -> int | None:
    """Return how long a project's newest jobs took on average."""
    row = sql.one(
        "SELECT AVG(stopped_at - started_at) FROM (SELECT stopped_at, started_at FROM job"
        " WHERE project_id = :id AND number IS NOT NULL ORDER BY number DESC LIMIT 50) AS newest"
        " WHERE stopped_at IS NOT NULL AND started_at IS NOT NULL",
        id=project_id,
    )
    return None if row is None or row[0] is None else int(row[0])
