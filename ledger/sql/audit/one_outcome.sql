-- Every payment has at most one terminal outcome, and it has one exactly when its newest state is final; the two are
-- the same. A repetition names a message that is known.
with released as materialized (
    select payment_id, max(attempt) as attempt from engine.inbox group by payment_id having max(attempt) > 0
),
moved as materialized (
    select distinct on (payment_id) payment_id, step, state from engine.transitions order by payment_id, step desc
),
newest as materialized (
    select i.payment_id, case when m.step > i.attempt * 1000 then m.state else i.state end as state
    from engine.inbox i
    left join released r on r.payment_id = i.payment_id
    left join moved m on m.payment_id = i.payment_id
    where i.attempt = coalesce(r.attempt, 0)
),
ended as materialized (
    select payment_id, count(*) as outcomes, min(state) as state from engine.outcomes group by payment_id
),
bad (what) as materialized (
    select case
        when e.outcomes > 1 then format('payment %s has %s outcomes', payment_id, e.outcomes)
        when n.payment_id is null then format('payment %s has the outcome %s and was never decided', payment_id, e.state)
        when e.payment_id is null then format('payment %s is %s and has no outcome', payment_id, n.state)
        else format('payment %s is %s, its outcome is %s', payment_id, n.state, e.state)
    end
    from newest n full join ended e using (payment_id)
    where e.outcomes > 1 or n.payment_id is null or (e.payment_id is null and n.state = any(:final::text[]))
       or e.state <> n.state
    union all
    select format('payment %s is a repetition of %s, which is not known', o.payment_id, o.duplicate_of)
    from engine.outcomes o
    where o.state = 'DUPLICATE' and not exists (select from engine.inbox i where i.payment_id = o.duplicate_of)
)
select (select count(*) from newest) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
