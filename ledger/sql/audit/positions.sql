-- Decisions and positions moved together: nothing was decided from a place of a writer's input that the writer's
-- position has not passed, and no position carries a later fence than its lease.
with reached as materialized (
    select p.writer, s.partition, max(p.next_offset) as next_offset
    from engine.positions p join engine.sources s using (source_id)
    where s.topic <> 'ops.commands' group by 1, 2
),
decided as materialized (
    select writer, routed_partition as partition, count(*) as decisions, max(routed_offset) as last
    from engine.inbox group by 1, 2
),
bad (what) as materialized (
    select format('%s has decided offset %s of partition %s, its position is %s', writer, d.last, d.partition,
                  coalesce(r.next_offset::text, 'missing'))
    from decided d left join reached r using (writer, partition)
    where r.next_offset is null or d.last >= r.next_offset
    union all
    select format('a position of %s has epoch %s, its lease %s', p.writer, p.epoch, l.epoch)
    from engine.positions p join engine.leases l using (writer) where p.epoch > l.epoch
)
select (select count(*) from engine.positions) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
