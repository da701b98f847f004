-- Nothing is forgotten and nothing waits after its end: a payment that is QUEUED, WAREHOUSED or RESERVED is kept with
-- what it needs to go on, one that is HELD waits or has its case, and one that has ended waits no more.
with released as materialized (
    select payment_id, max(attempt) as attempt from engine.inbox group by payment_id having max(attempt) > 0
),
moved as materialized (
    select distinct on (payment_id) payment_id, step, state from engine.transitions order by payment_id, step desc
),
newest as materialized (
    select i.payment_id, i.attempt, case when m.step > i.attempt * 1000 then m.state else i.state end as state
    from engine.inbox i
    left join released r on r.payment_id = i.payment_id
    left join moved m on m.payment_id = i.payment_id
    where i.attempt = coalesce(r.attempt, 0)
),
bad (what) as materialized (
    select case
        when n.payment_id is null then format('payment %s waits and was never decided', payment_id)
        when n.state = any(:final::text[]) then format('payment %s is %s and still waits', payment_id, n.state)
        when w.payment_id is null then format('payment %s is %s and is forgotten', payment_id, n.state)
        else format('payment %s is %s and waits as %s', payment_id, n.state, w.state)
    end
    from newest n full join engine.waiting w using (payment_id)
    where n.payment_id is null or (w.payment_id is not null and w.state <> n.state)
       or (w.payment_id is null and n.state <> all(:final::text[]) and not (n.state = 'HELD' and exists (
               select from engine.cases c where c.payment_id = n.payment_id and c.attempt = n.attempt)))
)
select (select count(*) from newest) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
