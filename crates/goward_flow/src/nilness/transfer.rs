//! What the steps and edges of a function do to what is known of its maps.

use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement,
    UnaryOperator,
};
use goward_types::{
    ObjectId, ObjectKind, Parameter, Type, TypeId, TypeKind, TypedFile, TypedPackage, VariableKind,
    World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, unparenthesized};
use crate::graph::{BlockId, Edge, EdgeKind, Step};
use crate::nilness::place::Element;
use crate::nilness::{Fact, NilReason, NilWrite, Nilness, Place, Summary};
use crate::solver::{Analysis, Solution, solve};
use crate::unit::{Unit, UnitId, Units};

/// How deep fields of fields are followed when a struct is made.
const FIELD_DEPTH: usize = 2;
/// A state with more places than this forgets new ones: memory stays bounded.
const MAX_PLACES: usize = 64;

/// What is known, place by place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    facts: Vec<(Place, Fact)>,
}

impl State {
    fn get(&self, place: &Place) -> Option<Fact> {
        self.facts
            .iter()
            .find(|entry| entry.0 == *place)
            .map(|entry| entry.1)
    }

    fn set(&mut self, place: Place, fact: Fact) {
        match self.facts.iter().position(|entry| entry.0 == place) {
            Some(known) => self.facts[known].1 = fact,
            None if self.facts.len() < MAX_PLACES => self.facts.push((place, fact)),
            None => {}
        }
    }

    /// Forgets a place and all that is reached through it.
    fn forget(&mut self, place: &Place) {
        self.facts.retain(|(known, _)| !known.starts_with(place));
        if place.elements.is_empty() {
            self.facts.retain(|(known, _)| !known.mentions(place.root));
        }
    }

    /// Forgets what is reached through a place, but not the place itself.
    fn forget_below(&mut self, place: &Place) {
        self.facts
            .retain(|(known, _)| known == place || !known.starts_with(place));
    }

    fn join(&mut self, other: &State) -> bool {
        let before = self.clone();
        for (place, fact) in &mut self.facts {
            use Nilness::{Maybe, Nil, NonNil, Written};
            let there = other.get(place);
            *fact = match (fact.nilness, there.map(|fact| fact.nilness)) {
                (Nil, Some(Nil | Written))
                | (NonNil, Some(NonNil | Written))
                | (Written, Some(Written)) => *fact,
                (Written, Some(_)) => there.unwrap_or(*fact),
                (NonNil | Written, None) => Fact {
                    made: UNKNOWN,
                    ..*fact
                },
                (NonNil, Some(_)) => Fact {
                    nilness: Maybe,
                    ..there.unwrap_or(*fact)
                },
                (Nil | Maybe, _) => Fact {
                    nilness: Maybe,
                    ..*fact
                },
            };
        }
        // Not nil here and unknown there: unknown.
        self.facts.retain(|(_, fact)| fact.made != UNKNOWN);
        for (place, fact) in &other.facts {
            if before.get(place).is_none() && matches!(fact.nilness, Nilness::Nil | Nilness::Maybe)
            {
                self.set(
                    place.clone(),
                    Fact {
                        nilness: Nilness::Maybe,
                        ..*fact
                    },
                );
            }
        }
        *self != before
    }
}

/// Marks a fact that is to be forgotten.
const UNKNOWN: NodeId = NodeId(u32::MAX);

/// The analysis of one function.
pub(crate) struct MapNilness<'a> {
    package: &'a TypedPackage<'a>,
    units: &'a Units,
    summaries: &'a FxHashMap<ObjectId, Summary>,
    unit_id: UnitId,
    unit: &'a Unit,
    file: &'a TypedFile<'a>,
    /// Variables that are assigned in function literals that may run at any time.
    untracked: FxHashSet<ObjectId>,
}

impl<'a> MapNilness<'a> {
    pub(crate) fn new(
        package: &'a TypedPackage<'a>,
        units: &'a Units,
        summaries: &'a FxHashMap<ObjectId, Summary>,
        unit_id: UnitId,
    ) -> MapNilness<'a> {
        let unit = units.get(unit_id);
        let file = &package.files[unit.file];
        let mut analysis = MapNilness {
            package,
            units,
            summaries,
            unit_id,
            unit,
            file,
            untracked: FxHashSet::default(),
        };
        analysis.find_untracked(unit.body, false);
        analysis
    }

    fn world(&self) -> &'a World {
        self.package.world
    }

    /// Whether there is an index expression, a `delete` or a call at all.
    pub(crate) fn mentions_maps(&self) -> bool {
        let mut pending = vec![self.unit.body];
        while let Some(node) = pending.pop() {
            if matches!(
                self.file.tree.kind(node),
                NodeKind::IndexExpr | NodeKind::CallExpr
            ) {
                return true;
            }
            self.file
                .tree
                .for_each_child(node, |child| pending.push(child));
        }
        false
    }

    /// Collects variables of this function that literals within it assign or take the address of,
    /// but for literals that are deferred: those run when the function is over.
    fn find_untracked(&mut self, node: NodeId, inside: bool) {
        let tree = self.file.tree;
        let mut inside = inside;
        match tree.kind(node) {
            NodeKind::FuncLit => inside = true,
            NodeKind::AssignStmt | NodeKind::IncDecStmt | NodeKind::RangeStmt if inside => {
                let targets: Vec<NodeId> = match tree.statement(node) {
                    Statement::Assign {
                        operator: AssignOperator::Assign,
                        left,
                        ..
                    } => left.to_vec(),
                    Statement::Range { key, value, .. } => {
                        [key, value].into_iter().flatten().collect()
                    }
                    _ => Vec::new(),
                };
                for target in targets {
                    if let Some(place) = self.place(target)
                        && place
                            .elements
                            .iter()
                            .all(|element| matches!(element, Element::Field(_)))
                    {
                        self.untracked.insert(place.root);
                    }
                }
            }
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                    && inside
                    && let Some(place) = self.place(operand)
                {
                    self.untracked.insert(place.root);
                }
            }
            NodeKind::DeferStmt if !inside => {
                // The literal of `defer func() { … }()`: its assignments come too late to matter here.
                if let Statement::Defer { call } = tree.statement(node)
                    && let Expression::Call {
                        function,
                        arguments,
                        ..
                    } = tree.expression(call)
                    && tree.kind(function) == NodeKind::FuncLit
                {
                    for &argument in arguments {
                        self.find_untracked(argument, false);
                    }
                    return;
                }
            }
            _ => {}
        }
        let mut children = Vec::new();
        tree.for_each_child(node, |child| children.push(child));
        for child in children {
            self.find_untracked(child, inside);
        }
    }

    fn place(&self, node: NodeId) -> Option<Place> {
        let place = Place::of(self.world(), self.file, node)?;
        (!self.untracked.contains(&place.root)).then_some(place)
    }

    fn is_map(&self, id: TypeId) -> bool {
        self.world().underlying(id).kind() == TypeKind::Map
    }

    fn is_map_node(&self, node: NodeId) -> bool {
        self.is_map(self.file.facts.type_of(node))
    }

    fn is_nil_node(&self, node: NodeId) -> bool {
        let node = unparenthesized(self.file, node);
        self.file.tree.kind(node) == NodeKind::Ident
            && self
                .file
                .facts
                .object_of(node)
                .is_some_and(|object| self.world().object(object).kind == ObjectKind::Nil)
    }

    /// Makes the maps in the zero value of a type nil at `place`.
    fn zero(
        &self,
        state: &mut State,
        place: &Place,
        id: TypeId,
        reason: NilReason,
        made: NodeId,
        depth: usize,
    ) {
        match self.world().get(self.world().underlying(id)) {
            Type::Map { .. } => state.set(
                place.clone(),
                Fact {
                    nilness: Nilness::Nil,
                    reason,
                    made,
                },
            ),
            Type::Struct(structure) if depth < FIELD_DEPTH => {
                for &field in &structure.fields {
                    let inner =
                        place.with(Element::Field(crate::calls::origin(self.world(), field)));
                    let field_type = self.world().object_type(field);
                    self.zero(
                        state,
                        &inner,
                        field_type,
                        NilReason::FieldLeftOut,
                        made,
                        depth + 1,
                    );
                }
            }
            _ => {}
        }
    }

    /// Gives `place` the value of an expression.
    fn assign(&self, state: &mut State, place: &Place, value: NodeId) {
        let value = unparenthesized(self.file, value);
        // What the value is must be read before the place is forgotten: `m = m`.
        let copied = self.copied_facts(state, place, value);
        state.forget(place);
        for (place, fact) in copied {
            state.set(place, fact);
        }
        let tree = self.file.tree;
        let value_type = self.file.facts.type_of(value);
        if self.is_nil_node(value) {
            if self.place_is_map(place, value) {
                let reason = NilReason::Assigned;
                state.set(
                    place.clone(),
                    Fact {
                        nilness: Nilness::Nil,
                        reason,
                        made: value,
                    },
                );
            }
            return;
        }
        let made_not_nil = Fact {
            nilness: Nilness::NonNil,
            reason: NilReason::Assigned,
            made: value,
        };
        match tree.expression(value) {
            Expression::CompositeLiteral { .. } if self.is_map(value_type) => {
                state.set(place.clone(), made_not_nil)
            }
            Expression::CompositeLiteral { .. } => self.assign_literal(state, place, value, 0),
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => {
                let operand = unparenthesized(self.file, operand);
                if tree.kind(operand) == NodeKind::CompositeLit {
                    self.assign_literal(state, place, operand, 0);
                }
            }
            Expression::Call {
                function,
                arguments,
                ..
            } => match callee(self.world(), self.file, function) {
                Callee::Builtin("make") if self.is_map(value_type) => {
                    state.set(place.clone(), made_not_nil)
                }
                Callee::Builtin("new") => {
                    if let [made] = arguments
                        && let Some(fact) = self.file.facts.get(*made)
                        && fact.mode == goward_types::Mode::TypeExpression
                    {
                        self.zero(state, place, fact.expression_type, NilReason::New, value, 0);
                    }
                }
                Callee::Conversion => {
                    if let [converted] = arguments
                        && self.is_map(value_type)
                        && self.is_nil_node(*converted)
                    {
                        let reason = NilReason::Assigned;
                        state.set(
                            place.clone(),
                            Fact {
                                nilness: Nilness::Nil,
                                reason,
                                made: value,
                            },
                        );
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Whether the place that `nil` is assigned to holds a map.
    fn place_is_map(&self, place: &Place, _value: NodeId) -> bool {
        let world = self.world();
        match place.elements.last() {
            None => self.is_map(world.object_type(place.root)),
            Some(Element::Field(field)) => self.is_map(world.object_type(*field)),
            Some(Element::Index(..)) => false,
        }
    }

    /// Facts that come with a value: those of another place, or of what a function returns.
    fn copied_facts(&self, state: &State, place: &Place, value: NodeId) -> Vec<(Place, Fact)> {
        let source = match self.file.tree.expression(value) {
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                match callee(self.world(), self.file, function) {
                    Callee::Function(object) => {
                        if let Some(fact) = self.returned(object, 0, value, false) {
                            return vec![(place.clone(), fact)];
                        }
                        let name = self.world().object(object);
                        let is_clone = name.name.as_str() == "Clone"
                            && name.package.is_some_and(|package| {
                                self.world().package(package).path.as_str() == "maps"
                            });
                        // A clone of a nil map is nil.
                        let [argument] = arguments else {
                            return Vec::new();
                        };
                        if !is_clone {
                            return Vec::new();
                        }
                        self.place(*argument)
                    }
                    _ => None,
                }
            }
            Expression::Unary {
                operator: UnaryOperator::Address,
                ..
            } => None,
            _ => self.place(value),
        };
        let Some(source) = source else {
            return Vec::new();
        };
        let below = state
            .facts
            .iter()
            .filter(|(known, _)| known.starts_with(&source));
        below
            .map(|(known, fact)| {
                let mut elements = place.elements.clone();
                elements.extend_from_slice(&known.elements[source.elements.len()..]);
                (
                    Place {
                        root: place.root,
                        elements,
                    },
                    *fact,
                )
            })
            .collect()
    }

    /// What a call of a function of the package gives as its result number `index`. `dropped`: the
    /// error beside it is not looked at.
    fn returned(
        &self,
        function: ObjectId,
        index: usize,
        call: NodeId,
        dropped: bool,
    ) -> Option<Fact> {
        let summary = self.summaries.get(&function)?;
        let &(without_error, with_error) = summary.returns_nil.get(index)?;
        (without_error || (dropped && with_error)).then_some(Fact {
            nilness: Nilness::Maybe,
            reason: NilReason::Returned(function),
            made: call,
        })
    }

    fn assign_literal(&self, state: &mut State, place: &Place, literal: NodeId, depth: usize) {
        let tree = self.file.tree;
        let world = self.world();
        let Expression::CompositeLiteral { elements, .. } = tree.expression(literal) else {
            return;
        };
        let mut literal_type = world.underlying(self.file.facts.type_of(literal));
        if let Type::Pointer { base } = world.get(literal_type) {
            literal_type = world.underlying(base);
        }
        let Type::Struct(structure) = world.get(literal_type) else {
            return;
        };
        let keyed = elements
            .iter()
            .all(|&element| tree.kind(element) == NodeKind::KeyValueExpr);
        if !keyed || depth >= FIELD_DEPTH {
            return;
        }
        let mut given = FxHashMap::default();
        for &element in elements {
            if let Expression::KeyValue { key, value } = tree.expression(element)
                && let Some(field) = self.file.facts.object_of(key)
            {
                given.insert(crate::calls::origin(world, field), value);
            }
        }
        for &field in &structure.fields {
            let field_object = crate::calls::origin(world, field);
            let inner = place.with(Element::Field(field_object));
            match given.get(&field_object) {
                Some(&value) => {
                    let inner_value = unparenthesized(self.file, value);
                    if tree.kind(inner_value) == NodeKind::CompositeLit
                        && !self.is_map_node(inner_value)
                    {
                        self.assign_literal(state, &inner, inner_value, depth + 1);
                    } else {
                        self.assign(state, &inner, value);
                    }
                }
                None => {
                    let field_type = world.object_type(field);
                    self.zero(
                        state,
                        &inner,
                        field_type,
                        NilReason::FieldLeftOut,
                        literal,
                        depth + 1,
                    );
                }
            }
        }
    }

    /// What a call may do to places: those reached from its arguments and receiver.
    fn call_effects(&self, state: &mut State, call: NodeId) {
        let tree = self.file.tree;
        let world = self.world();
        let Expression::Call {
            function,
            arguments,
            ..
        } = tree.expression(call)
        else {
            return;
        };
        let target = callee(world, self.file, function);
        match target {
            Callee::Builtin(
                "delete" | "len" | "cap" | "clear" | "make" | "panic" | "print" | "println"
                | "copy" | "new" | "min" | "max",
            )
            | Callee::Conversion => return,
            _ => {}
        }
        // A map passed to a function that writes it comes back not nil (or the function panicked).
        for &argument in arguments {
            let argument = unparenthesized(self.file, argument);
            match tree.expression(argument) {
                Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } => {
                    if let Some(place) = self.place(operand) {
                        state.forget(&place);
                    }
                }
                _ => {
                    if let Some(place) = self.place(argument)
                        && self.shares_memory(self.file.facts.type_of(argument))
                    {
                        state.forget_below(&place);
                    }
                }
            }
        }
        let function = unparenthesized(self.file, function);
        if let Expression::Selector { operand, .. } = tree.expression(function)
            && self.file.facts.selections.contains_key(&function)
            && let Some(place) = self.place(operand)
            && !self.is_map_node(operand)
        {
            state.forget_below(&place);
        }
        // Package variables, and fields of anything that others have too, may change in any call.
        state.facts.retain(|(place, fact)| {
            let kind = world.object(place.root).kind;
            let shared = match kind {
                ObjectKind::Variable(VariableKind::Package) => true,
                ObjectKind::Variable(VariableKind::Receiver | VariableKind::Parameter) => {
                    !place.elements.is_empty() && self.shares_memory(world.object_type(place.root))
                }
                _ => false,
            };
            !shared || fact.nilness == Nilness::NonNil
        });
    }

    /// Whether a value of this type gives access to memory that its owner sees too.
    fn shares_memory(&self, id: TypeId) -> bool {
        matches!(
            self.world().underlying(id).kind(),
            TypeKind::Pointer
                | TypeKind::Interface
                | TypeKind::Slice
                | TypeKind::Signature
                | TypeKind::Channel
        ) || !self.world().underlying(id).is_known()
    }

    /// The writes that a step makes to maps: the map, and the node to report.
    fn writes(&self, step: Step, visit: &mut dyn FnMut(NodeId, NodeId)) {
        let tree = self.file.tree;
        let target = |node: NodeId, visit: &mut dyn FnMut(NodeId, NodeId)| {
            let node = unparenthesized(self.file, node);
            if let Expression::Index { operand, .. } = tree.expression(node)
                && self.is_map_node(operand)
            {
                visit(operand, node);
            }
        };
        match step {
            Step::Statement(node) if tree.kind(node) == NodeKind::AssignStmt => {
                if let Statement::Assign { left, .. } = tree.statement(node) {
                    left.iter().for_each(|&left| target(left, visit));
                }
            }
            Step::Statement(node) if tree.kind(node) == NodeKind::IncDecStmt => {
                if let Statement::IncrementDecrement { operand, .. } = tree.statement(node) {
                    target(operand, visit);
                }
            }
            Step::RangeAssign(node) => {
                if let Statement::Range { key, value, .. } = tree.statement(node) {
                    [key, value]
                        .into_iter()
                        .flatten()
                        .for_each(|left| target(left, visit));
                }
            }
            Step::Expression(node) if tree.kind(node) == NodeKind::CallExpr => {
                let Expression::Call {
                    function,
                    arguments,
                    ..
                } = tree.expression(node)
                else {
                    return;
                };
                let Callee::Function(object) = callee(self.world(), self.file, function) else {
                    return;
                };
                let called = self.world().object(object);
                let path = called
                    .package
                    .map(|package| self.world().package(package).path.as_str());
                if (path, called.name.as_str()) == (Some("maps"), "Copy") {
                    // Copying nothing into a nil map is fine; a source that is a literal has entries.
                    if let [target, source] = arguments
                        && self.has_entries(*source)
                    {
                        visit(*target, node);
                    }
                } else if let Some(summary) = self.summaries.get(&object) {
                    for &position in &summary.writes {
                        if let Some(&argument) = arguments.get(position)
                            && self.is_map_node(argument)
                        {
                            visit(argument, node);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn has_entries(&self, node: NodeId) -> bool {
        let node = unparenthesized(self.file, node);
        matches!(self.file.tree.expression(node), Expression::CompositeLiteral { elements, .. } if !elements.is_empty())
    }

    fn statement(&self, state: &mut State, node: NodeId) {
        let tree = self.file.tree;
        match tree.kind(node) {
            NodeKind::AssignStmt => {
                let Statement::Assign {
                    operator,
                    left,
                    right,
                    ..
                } = tree.statement(node)
                else {
                    return;
                };
                if matches!(operator, AssignOperator::Update(_)) {
                    return;
                }
                self.assign_all(state, left, right);
            }
            NodeKind::ValueSpec => {
                let Specification::Value { names, values, .. } = tree.specification(node) else {
                    return;
                };
                if values.is_empty() {
                    for &name in names {
                        if let Some(object) = self.file.facts.object_of(name)
                            && !self.untracked.contains(&object)
                        {
                            let place = Place::variable(object);
                            state.forget(&place);
                            let declared = self.world().object_type(object);
                            self.zero(state, &place, declared, NilReason::Declared, name, 0);
                        }
                    }
                } else {
                    self.assign_all(state, names, values);
                }
            }
            _ => {}
        }
    }

    fn assign_all(&self, state: &mut State, left: &[NodeId], right: &[NodeId]) {
        if left.len() == right.len() {
            for (&target, &value) in left.iter().zip(right) {
                match self.place(target) {
                    // An element that is set says nothing of the map, but what is below it changes.
                    Some(place) => self.assign(state, &place, value),
                    None => self.forget_unknown_target(state, target),
                }
            }
            return;
        }
        let &[call] = right else { return };
        let dropped = left.last().is_some_and(|&last| {
            self.file.tree.kind(last) == NodeKind::Ident && self.file.tree.symbol(last).is_blank()
        });
        for (index, &target) in left.iter().enumerate() {
            let Some(place) = self.place(target) else {
                self.forget_unknown_target(state, target);
                continue;
            };
            state.forget(&place);
            if let Expression::Call { function, .. } =
                self.file.tree.expression(unparenthesized(self.file, call))
                && let Callee::Function(object) = callee(self.world(), self.file, function)
                && let Some(fact) = self.returned(object, index, call, dropped)
            {
                state.set(place, fact);
            }
        }
    }

    /// `a[f()] = …` and the like: whatever is reached through the operand may have changed.
    fn forget_unknown_target(&self, state: &mut State, target: NodeId) {
        let target = unparenthesized(self.file, target);
        if let Expression::Index { operand, .. } = self.file.tree.expression(target)
            && let Some(place) = self.place(operand)
        {
            state.forget_below(&place);
        }
    }

    /// What a condition tells when it is true (or false).
    fn condition(&self, state: &mut State, node: NodeId, holds: bool) {
        let node = unparenthesized(self.file, node);
        match self.file.tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Not,
                operand,
            } => self.condition(state, operand, !holds),
            Expression::Binary {
                operator: BinaryOperator::LogicalAnd,
                left,
                right,
                ..
            } if holds => {
                self.condition(state, left, true);
                self.condition(state, right, true);
            }
            Expression::Binary {
                operator: BinaryOperator::LogicalOr,
                left,
                right,
                ..
            } if !holds => {
                self.condition(state, left, false);
                self.condition(state, right, false);
            }
            Expression::Binary {
                operator,
                left,
                right,
                ..
            } => self.comparison(state, operator, left, right, holds, node),
            // `if m[k] {`: a nil map holds no true.
            Expression::Index { operand, .. } if holds && self.is_map_node(operand) => {
                self.learn_not_nil(state, operand, node)
            }
            _ => {}
        }
    }

    fn learn_not_nil(&self, state: &mut State, map: NodeId, at: NodeId) {
        if let Some(place) = self.place(map) {
            state.set(
                place,
                Fact {
                    nilness: Nilness::NonNil,
                    reason: NilReason::Compared,
                    made: at,
                },
            );
        }
    }

    fn comparison(
        &self,
        state: &mut State,
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
        holds: bool,
        at: NodeId,
    ) {
        use BinaryOperator as B;
        let (left, right) = (
            unparenthesized(self.file, left),
            unparenthesized(self.file, right),
        );
        let (value, constant) = if self.is_nil_node(left) {
            (right, left)
        } else {
            (left, right)
        };
        let equal = match operator {
            B::Equal => Some(holds),
            B::NotEqual => Some(!holds),
            _ => None,
        };
        if self.is_nil_node(constant) {
            let (Some(equal), true) = (equal, self.is_map_node(value)) else {
                return;
            };
            if let Some(place) = self.place(value) {
                let nilness = if equal { Nilness::Nil } else { Nilness::NonNil };
                let known = state.get(&place);
                // Who made the map nil is more telling than the test.
                let keep = known.filter(|known| {
                    equal && matches!(known.nilness, Nilness::Nil | Nilness::Maybe)
                });
                let fact = keep.map_or(
                    Fact {
                        nilness,
                        reason: NilReason::Compared,
                        made: at,
                    },
                    |known| Fact { nilness, ..known },
                );
                state.set(place, fact);
            }
            return;
        }
        let tree = self.file.tree;
        let zero = self
            .file
            .facts
            .get(constant)
            .and_then(|fact| fact.value)
            .and_then(|value| value.int64_value());
        // `len(m) > 0` and its relatives.
        if let Expression::Call {
            function,
            arguments: &[map],
            ..
        } = tree.expression(value)
            && callee(self.world(), self.file, function) == Callee::Builtin("len")
            && self.is_map_node(map)
        {
            let not_empty = match (operator, zero, holds) {
                (B::Greater | B::NotEqual, Some(0), true)
                | (B::Equal | B::LessEqual, Some(0), false)
                | (B::GreaterEqual, Some(1..), true)
                | (B::Less, Some(1), false) => true,
                (B::Greater | B::Equal, Some(1..), true) => true,
                _ => false,
            };
            if not_empty {
                self.learn_not_nil(state, map, at);
            }
            return;
        }
        // `m[k] != 0`, `m[k] > 0`, `m[k] != ""`: the map has an entry.
        if let Expression::Index { operand, .. } = tree.expression(value)
            && self.is_map_node(operand)
        {
            let empty_text = self
                .file
                .facts
                .get(constant)
                .and_then(|fact| fact.value)
                .is_some_and(|value| {
                    value.kind() == goward_types::constant::Kind::String
                        && value.string_value().is_empty()
                });
            let has_entry = match operator {
                B::NotEqual => holds && (zero == Some(0) || empty_text),
                B::Equal => !holds && (zero == Some(0) || empty_text),
                B::Greater => holds && zero.is_some_and(|zero| zero >= 0),
                _ => false,
            };
            if has_entry {
                self.learn_not_nil(state, operand, at);
            }
        }
    }

    /// Reports the writes of this function, and of the literals that it defers.
    pub(crate) fn report(&self, solution: &Solution<State>, found: &mut Vec<NilWrite>) {
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (position, &step) in self.unit.graph.block(block).steps.iter().enumerate() {
                self.writes(step, &mut |map, node| {
                    let Some(place) = self.place(map) else { return };
                    let Some(fact) = state.get(&place) else {
                        return;
                    };
                    if matches!(fact.nilness, Nilness::NonNil | Nilness::Written)
                        || found
                            .iter()
                            .any(|write| write.unit == self.unit_id && write.node == node)
                    {
                        return;
                    }
                    found.push(NilWrite {
                        unit: self.unit_id,
                        map,
                        node,
                        certain: fact.nilness == Nilness::Nil,
                        reason: fact.reason,
                        made: fact.made,
                        root: place.root,
                        whole_variable: place.elements.is_empty(),
                        deferred: None,
                    });
                });
                if let Step::RunDeferred(statement) = step {
                    self.report_deferred(&state, statement, found);
                }
                self.step(&mut state, block, position, step);
            }
        }
    }

    /// The literal of a `defer` runs in the state of the exit.
    fn report_deferred(&self, state: &State, statement: NodeId, found: &mut Vec<NilWrite>) {
        let tree = self.file.tree;
        let Statement::Defer { call } = tree.statement(statement) else {
            return;
        };
        let Expression::Call { function, .. } = tree.expression(call) else {
            return;
        };
        let literal = unparenthesized(self.file, function);
        let Some(inner) = self.units.of_literal(self.unit.file, literal) else {
            return;
        };
        let mut analysis = MapNilness::new(self.package, self.units, self.summaries, inner);
        analysis.untracked.extend(self.untracked.iter().copied());
        let started = Started {
            analysis,
            entry: state.clone(),
        };
        let solution = solve(&started.analysis.unit.graph, &started);
        if !solution.complete {
            return;
        }
        let mut inner_writes = Vec::new();
        started.analysis.report(&solution, &mut inner_writes);
        for mut write in inner_writes {
            if found
                .iter()
                .any(|other| other.unit == write.unit && other.node == write.node)
            {
                continue;
            }
            write.deferred = Some(statement);
            found.push(write);
        }
    }

    /// What callers need to know of this function.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let results = self.result_types();
        let has_map = results
            .iter()
            .any(|result| self.is_map(result.parameter_type));
        let has_map_parameter = self
            .unit
            .parameters
            .iter()
            .flatten()
            .any(|&parameter| self.is_map(self.world().object_type(parameter)));
        if !has_map && !has_map_parameter {
            return summary;
        }
        let solution = solve(&self.unit.graph, self);
        if !solution.complete {
            return summary;
        }
        if has_map {
            summary.returns_nil = vec![(false, false); results.len()];
        }
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (position, &step) in self.unit.graph.block(block).steps.iter().enumerate() {
                self.writes(step, &mut |map, _| {
                    let Some(place) = self.place(map) else { return };
                    let parameter = self
                        .unit
                        .parameters
                        .iter()
                        .position(|&parameter| parameter == Some(place.root));
                    if let Some(position) = parameter
                        && place.elements.is_empty()
                        && state.get(&place).is_none()
                        && !summary.writes.contains(&position)
                    {
                        summary.writes.push(position);
                    }
                });
                if let Step::Return(node) = step
                    && has_map
                {
                    self.summarise_return(&state, node, &results, &mut summary);
                }
                self.step(&mut state, block, position, step);
            }
        }
        if summary
            .returns_nil
            .iter()
            .all(|&result| result == (false, false))
        {
            summary.returns_nil.clear();
        }
        summary.writes.sort_unstable();
        summary
    }

    fn result_types(&self) -> Vec<Parameter> {
        let world = self.world();
        let signature = self.unit.object.map(|object| world.object_type(object));
        let results = signature
            .and_then(|signature| world.as_signature(signature))
            .map(|signature| signature.results);
        results.map_or_else(Vec::new, |results| world.tuple(results).to_vec())
    }

    fn summarise_return(
        &self,
        state: &State,
        node: NodeId,
        results: &[Parameter],
        summary: &mut Summary,
    ) {
        let Statement::Return { results: values } = self.file.tree.statement(node) else {
            return;
        };
        if !values.is_empty() && values.len() != results.len() {
            return;
        }
        // Clone-like functions give nil for nil: their callers know what they pass.
        let from_input = self.under_nil_test_of_input(node);
        let world = self.world();
        let companion = results.len().checked_sub(1).filter(|&last| {
            last > 0
                && (results[last].parameter_type == world.universe().error
                    || world.is_boolean(results[last].parameter_type))
        });
        let went_well = match companion {
            None => true,
            Some(last) => match values.get(last) {
                // A bare return: what the error is then is not known here.
                None => return,
                Some(&value) if world.is_boolean(results[last].parameter_type) => {
                    let known = self.file.facts.get(value).and_then(|fact| fact.value);
                    match known {
                        Some(known) => known.bool_value(),
                        None => return,
                    }
                }
                Some(&value) => self.is_nil_node(value),
            },
        };
        for (index, result) in results.iter().enumerate() {
            if !self.is_map(result.parameter_type) || from_input {
                continue;
            }
            let nil = match values.get(index) {
                Some(&value) if self.is_nil_node(value) => true,
                Some(&value) => self
                    .place(value)
                    .and_then(|place| state.get(&place))
                    .is_some_and(|fact| fact.nilness == Nilness::Nil),
                None => self
                    .unit
                    .results
                    .get(index)
                    .copied()
                    .flatten()
                    .and_then(|object| state.get(&Place::variable(object)))
                    .is_some_and(|fact| fact.nilness == Nilness::Nil),
            };
            if nil {
                let entry = &mut summary.returns_nil[index];
                if went_well {
                    entry.0 = true
                } else {
                    entry.1 = true
                }
            }
        }
    }

    /// Whether a return stands under `if in == nil`, where `in` is a parameter or the receiver.
    fn under_nil_test_of_input(&self, node: NodeId) -> bool {
        let tree = self.file.tree;
        let wanted = tree.span(node);
        let mut current = self.unit.body;
        loop {
            if let NodeKind::IfStmt = tree.kind(current)
                && let Statement::If { condition, .. } = tree.statement(current)
                && self.tests_input(condition)
            {
                return true;
            }
            let mut next = None;
            tree.for_each_child(current, |child| {
                let span = tree.span(child);
                if span.start <= wanted.start && wanted.end <= span.end {
                    next = Some(child);
                }
            });
            match next {
                Some(child) if child != node => current = child,
                _ => return false,
            }
        }
    }

    /// Whether a condition looks at a parameter or the receiver (against nil, or its length).
    fn tests_input(&self, condition: NodeId) -> bool {
        let mut found = false;
        let mut pending = vec![condition];
        while let Some(node) = pending.pop() {
            if self.file.tree.kind(node) == NodeKind::Ident
                && let Some(object) = self.file.facts.object_of(node)
            {
                let input = self.unit.parameters.contains(&Some(object))
                    || self.unit.receiver == Some(object);
                let nilable = matches!(
                    self.world()
                        .underlying(self.world().object_type(object))
                        .kind(),
                    TypeKind::Map | TypeKind::Pointer | TypeKind::Slice | TypeKind::Interface
                );
                found |= input && nilable;
            }
            self.file
                .tree
                .for_each_child(node, |child| pending.push(child));
        }
        found
    }
}

impl Analysis for MapNilness<'_> {
    type State = State;

    fn entry(&self) -> State {
        let mut state = State::default();
        for &result in self.unit.results.iter().flatten() {
            if !self.untracked.contains(&result) {
                let place = Place::variable(result);
                let declared = self.world().object_type(result);
                let made = self.unit.function_type;
                self.zero(
                    &mut state,
                    &place,
                    declared,
                    NilReason::NamedResult,
                    made,
                    0,
                );
            }
        }
        state
    }

    fn step(&self, state: &mut State, _block: BlockId, _index: usize, step: Step) {
        // A write that did not panic shows that the map is not nil.
        let mut written = Vec::new();
        self.writes(step, &mut |map, node| written.push((map, node)));
        match step {
            Step::Statement(node) => self.statement(state, node),
            Step::Expression(node) if self.file.tree.kind(node) == NodeKind::CallExpr => {
                self.call_effects(state, node)
            }
            Step::RunDeferred(node) => {
                if let Statement::Defer { call } = self.file.tree.statement(node) {
                    self.call_effects(state, call);
                }
            }
            Step::Return(node) => {
                if let Statement::Return { results } = self.file.tree.statement(node)
                    && results.len() == self.unit.results.len()
                {
                    for (&value, &result) in results.iter().zip(&self.unit.results) {
                        if let Some(result) = result
                            && !self.untracked.contains(&result)
                        {
                            self.assign(state, &Place::variable(result), value);
                        }
                    }
                }
            }
            Step::RangeAssign(node) => {
                if let Statement::Range { key, value, .. } = self.file.tree.statement(node) {
                    for target in [key, value].into_iter().flatten() {
                        if let Some(place) = self.place(target) {
                            state.forget(&place);
                        }
                    }
                }
            }
            Step::Communicate(node) => {
                if let NodeKind::AssignStmt = self.file.tree.kind(node)
                    && let Statement::Assign { left, .. } = self.file.tree.statement(node)
                {
                    for &target in left {
                        if let Some(place) = self.place(target) {
                            state.forget(&place);
                        }
                    }
                }
            }
            _ => {}
        }
        for (map, node) in written {
            let known = self
                .place(map)
                .and_then(|place| Some((state.get(&place)?, place)));
            match known {
                Some((fact, place)) if fact.nilness != Nilness::NonNil => {
                    state.set(
                        place,
                        Fact {
                            nilness: Nilness::Written,
                            ..fact
                        },
                    );
                }
                _ => self.learn_not_nil(state, map, node),
            }
        }
    }

    fn edge(&self, state: &mut State, _from: BlockId, edge: &Edge) -> bool {
        match edge.kind {
            EdgeKind::True(node) => self.condition(state, node, true),
            EdgeKind::False(node) => self.condition(state, node, false),
            EdgeKind::Range(node) => {
                if let Statement::Range { operand, .. } = self.file.tree.statement(node)
                    && self.is_map_node(operand)
                {
                    self.learn_not_nil(state, operand, node);
                }
            }
            _ => {}
        }
        true
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        into.join(from)
    }
}

/// The analysis of a deferred literal, begun in the state of the exit.
struct Started<'a> {
    analysis: MapNilness<'a>,
    entry: State,
}

impl Analysis for Started<'_> {
    type State = State;

    fn entry(&self) -> State {
        self.entry.clone()
    }

    fn step(&self, state: &mut State, block: BlockId, index: usize, step: Step) {
        self.analysis.step(state, block, index, step);
    }

    fn edge(&self, state: &mut State, from: BlockId, edge: &Edge) -> bool {
        self.analysis.edge(state, from, edge)
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        into.join(from)
    }
}
