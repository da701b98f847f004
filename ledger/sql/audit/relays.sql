-- No relay claims to have published what was never committed. What is committed and not published yet is counted.
with last as materialized (
    select writer_no, max(seq) as seq from engine.outbox group by writer_no
    union all
    select :cases_no, max(seq) from engine.case_outbox having max(seq) is not null
),
compared as materialized (
    select writer_no, coalesce(r.published_seq, 0) as published, coalesce(l.seq, 0) as committed
    from engine.relays r full join last l using (writer_no)
),
bad (what) as materialized (
    select format('the relay of writer %s says %s, the outbox ends at %s', writer_no, published, committed)
    from compared where published > committed
)
select (select count(*) from compared) as examined, (select count(*) from bad) as violations,
       coalesce((select string_agg(what, '; ') from (select what from bad order by what limit 5) first),
                (select format('%s messages are not published yet', sum(committed - published)) from compared
                 where committed > published having sum(committed - published) > 0)) as detail
