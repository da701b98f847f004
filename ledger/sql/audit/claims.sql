-- Every business reference is taken by a message that was decided, and by one message only. Messages that were claimed
-- a moment ago may still have their first payment on its way to another writer.
with bad (what) as materialized (
    select format('the reference %s is taken by message %s, which was never decided', c.claim, c.message_id)
    from engine.claims c left join engine.inbox i on i.payment_id = c.message_id and i.attempt = 0
    where i.payment_id is null and c.claimed_at < :settled_before
    union all
    select format('the reference %s is taken %s times', claim, count(*))
    from engine.claims group by claim having count(*) > 1
)
select (select count(*) from engine.claims) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
