package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/man"
	"gnet/stackprobe/event"
)

// schemas returns the keys of every object that the machine formats have, in
// the order of gnet-json(5): a column table that is not here is undocumented.
func schemas() []man.Table {
	return []man.Table{
		schema(socketSchema, "row", slices.Concat(socketColumns(), infoColumns(), killColumns())),
		schema(interfaceSchema, "row", interfaceColumns()),
		schema(counterSchema, "row", counterColumns()),
		schema(groupSchema, "row", groupColumns()),
		schema(countSchema, "row", countColumns(countKeys())),
		schema(countSchema, "summary", countSummaryColumns()),
		schema(routeSchema, "row", routeColumns()),
		schema(routeGetSchema, "row", lookupColumns()),
		schema(routeGetSchema, "summary", lookupSummary()),
		schema(routeSaveSchema, "row", savedColumns()),
		schema(routeChangesSchema, "row", notChangedColumns()),
		schema(routeChangesSchema, "summary", outcomeColumns()),
		schema(routeDiffSchema, "row", diffColumns()),
		schema(routeWatchSchema, "row", watchColumns()),
		schema(routePendingSchema, "row", pendingColumns()),
		schema(pingSchema, "row", echoColumns()),
		schema(pingSchema, "summary", echoSummaryColumns()),
		schema(pingTargetsSchema, "row", manyResultColumns()),
		schema(pingTargetsSchema, "change", manyEventColumns()),
		schema(pingTargetsSchema, "summary", manySumColumns()),
		schema(pmtuSchema, "row", pmtuColumns()),
		schema(pmtuSchema, "summary", pmtuSummaryColumns()),
		schema(explainSchema, "row", explainColumns()),
		schema(explainSchema, "change", explainEventColumns()),
		schema(explainSchema, "summary", explainSummaryColumns()),
		schema(tracepathSchema, "row", hopColumns()),
		schema(tracepathSchema, "summary", hopSummaryColumns()),
		schema(event.Schema, "row", eventColumns()),
		schema(summarySchema, "row", figuresColumns()),
		schema(summarySchema, "summary", figuresSummaryColumns()),
		schema(lessonSchema, "row", lessonColumns()),
		schema(bulkSchema, "row", bulkColumns()),
		schema(bulkSchema, "summary", bulkSummaryColumns()),
		schema(compareSchema, "row", compareColumns()),
		schema(compareSchema, "summary", compareSummaryColumns()),
	}
}

// schema describes the objects that a column table makes.
func schema[T any](name, object string, columns []render.Column[T]) man.Table {
	return man.Table{Schema: name, Object: object, Keys: keys(render.Fields(columns))}
}

func keys(fields []render.Field) []man.Key {
	var list []man.Key
	for _, f := range fields {
		list = append(list, man.Key{Name: f.Name, Kind: f.Kind.String(), Unit: f.Unit, Doc: f.Doc, Keys: keys(f.Sub)})
	}
	return list
}
